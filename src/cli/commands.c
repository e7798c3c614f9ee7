#include "cli/commands.h"

#include <string.h>

#include "util/nearest.h"

const struct cli_command *const cli_commands[] = {
	/* change this host */
	&cli_cmd_install,
	&cli_cmd_upgrade,
	&cli_cmd_pin,
	&cli_cmd_unpin,
	&cli_cmd_remove,
	&cli_cmd_apply,
	&cli_cmd_lock,
	&cli_cmd_rollback,
	&cli_cmd_load,
	&cli_cmd_unload,
	&cli_cmd_gc,
	&cli_cmd_restore,
	&cli_cmd_save,
	/* look */
	&cli_cmd_status,
	&cli_cmd_events,
	&cli_cmd_list,
	&cli_cmd_tree,
	&cli_cmd_why,
	&cli_cmd_outdated,
	&cli_cmd_search,
	&cli_cmd_info,
	&cli_cmd_verify,
	&cli_cmd_doctor,
	&cli_cmd_check,
	&cli_cmd_facts,
	/* registries and keys */
	&cli_cmd_registry,
	&cli_cmd_key,
	/* write modules */
	&cli_cmd_build,
	&cli_cmd_pack,
	&cli_cmd_publish,
	&cli_cmd_yank,
	&cli_cmd_unyank,
	&cli_cmd_deprecate,
	&cli_cmd_help,
	NULL,
};

const char *const cli_group_titles[CLI_GROUP_COUNT] = {
	[CLI_GROUP_HOST] = "Change this host",
	[CLI_GROUP_LOOK] = "Look",
	[CLI_GROUP_REGISTRY] = "Registries and keys",
	[CLI_GROUP_AUTHOR] = "Write modules",
};

const struct cli_command *cli_command_find(const struct cli_command *const *commands, const char *name)
{
	for (; *commands; commands++)
		if (!strcmp((*commands)->name, name))
			return *commands;
	return NULL;
}

static void unknown_command(const struct cli_command *const *commands, const char *family, const char *name,
			    struct iov_buf *error)
{
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, name, strlen(name));
	for (; *commands; commands++)
		iov_nearest_offer(&nearest, (*commands)->name);
	const char *gap = *family ? " " : "";
	iov_buf_printf(error, "unknown command '%s%s%s'", family, gap, name);
	if (nearest.name)
		iov_buf_printf(error, "; did you mean '%s%s%s'?", family, gap, nearest.name);
}

const struct cli_command *cli_command_of_words(const char *const *words, size_t count, size_t *ret_used,
					       struct iov_buf *error)
{
	const struct cli_command *const *commands = cli_commands;
	const struct cli_command *command = NULL;
	for (*ret_used = 0; commands && *ret_used < count; ++*ret_used) {
		const char *word = words[*ret_used];
		if (command && word[0] == '-')
			break;
		const struct cli_command *found = cli_command_find(commands, word);
		if (!found) {
			unknown_command(commands, command ? command->full : "", word, error);
			return NULL;
		}
		command = found;
		commands = command->children;
	}
	return command;
}

bool cli_command_check_words(const struct cli_command *command, const struct cli_list *words, struct iov_buf *error)
{
	size_t room = 0, needed = 0;
	for (const struct cli_argument *argument = command->arguments; argument && argument->name; argument++) {
		needed += argument->min;
		room += argument->max;
		if (words->count < needed) {
			iov_buf_printf(error, "'%s' needs %s", command->full, argument->name);
			return false;
		}
	}
	if (words->count <= room)
		return true;
	iov_buf_printf(error, "'%s' does not know what to do with '%s'", command->full, words->items[room]);
	return false;
}
