#include "cli/generate.h"

#include <string.h>

#include "cli/json.h"

/* Where names stand in a document of the library: object member, then a member of each row (NULL: the rows are the
 * names). */
struct source {
	const char *kind;
	int (*read)(struct iov_ctx *ctx, char **ret_json);
	const char *list, *member;
};

static int read_available(struct iov_ctx *ctx, char **ret_json)
{
	return iov_search(ctx, NULL, ret_json);
}

static const struct source sources[] = {
	{"available", read_available, "modules", "name"}, {"installed", iov_list, "modules", "name"},
	{"instances", iov_list, "modules", "instances"},  {"registries", iov_registry_list, "registries", "name"},
	{"keys", iov_key_list, "keys", "name"},
};

static void add_name(struct iov_buf *out, const json_t *name)
{
	size_t i;
	json_t *item;
	if (json_is_string(name))
		iov_buf_printf(out, "%s\n", json_string_value(name));
	json_array_foreach(name, i, item) {
		add_name(out, item);
	}
}

/* Completion says nothing where there is nothing to say: errors are silent. */
int cli_generate_names(struct cli *cli)
{
	iov_auto(iov_free_ptr) char *json = NULL;
	iov_auto(iov_buf_release) struct iov_buf out = {0};
	const char *kind = cli_word(cli, 0);
	const struct source *source = NULL;
	for (size_t i = 0; kind && i < IOV_COUNT(sources); i++)
		if (!strcmp(kind, sources[i].kind))
			source = &sources[i];
	if (!source)
		return IOV_E_USAGE;
	int rc = source->read(cli->ctx, &json);
	if (rc)
		return rc;
	iov_auto(cli_json_release) json_t *answer = json_loads(json, 0, NULL);
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(answer, source->list), i, row) {
		add_name(&out, source->member && json_is_object(row) ? json_object_get(row, source->member) : row);
	}
	return cli_print(cli, &out);
}

/* "registry-add": the name of a command as its man page has it. */
static void add_dashed(struct iov_buf *out, const struct cli_command *command)
{
	for (const char *at = command->full; *at; at++)
		iov_buf_add(out, *at == ' ' ? "-" : at, 1);
}

static void add_commands(struct iov_buf *out, const struct cli_command *const *commands)
{
	for (; *commands; commands++) {
		add_dashed(out, *commands);
		iov_buf_puts(out, "\n");
		if ((*commands)->children)
			add_commands(out, (*commands)->children);
	}
}

static const struct cli_command *find_dashed(const struct cli_command *const *commands, const char *name)
{
	const struct cli_command *found = NULL;
	for (; *commands && !found; commands++) {
		iov_auto(iov_buf_release) struct iov_buf dashed = {0};
		add_dashed(&dashed, *commands);
		if (dashed.data && !strcmp(dashed.data, name))
			found = *commands;
		else if ((*commands)->children)
			found = find_dashed((*commands)->children, name);
	}
	return found;
}

static int generate_man(struct cli *cli, const char *name, struct iov_buf *out)
{
	const struct cli_command *command = name ? find_dashed(cli_commands, name) : NULL;
	if (name && !command)
		return cli_fail(cli, IOV_E_USAGE, "there is no such command to write a man page of");
	cli_man_page(command, out);
	return cli_print(cli, out);
}

int cli_generate(struct cli *cli, const char *const *words, size_t count, int (*with_context)(struct cli *cli))
{
	iov_auto(iov_buf_release) struct iov_buf out = {0};
	const char *what = count ? words[0] : "";
	if (!strcmp(what, "man") && count <= 2)
		return generate_man(cli, count == 2 ? words[1] : NULL, &out);
	if (!strcmp(what, "names") && count == 2) {
		cli->values.offline = cli->values.quiet = true;
		return cli_list_add(&cli->values.words, words[1]) ? with_context(cli) : IOV_E_INTERNAL;
	}
	if (!strcmp(what, "commands") && count == 1)
		add_commands(&out, cli_commands);
	else if (!strcmp(what, "completion") && count == 1)
		cli_bash_completion(&out);
	else
		return cli_fail(cli, IOV_E_USAGE,
				"'--generate' writes 'commands', 'man [COMMAND]', 'completion' or 'names KIND'");
	return cli_print(cli, &out);
}
