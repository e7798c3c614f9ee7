/*
 * A command is one constant: what it is called, what its help, man page and completion say, which words it takes, and
 * what it runs. Adding a command is adding its constant in its file, and its name to the list in commands.c.
 */
#ifndef IOV_CLI_COMMANDS_H
#define IOV_CLI_COMMANDS_H

#include "cli/options.h"

#define CLI_MANY 65535 /* as many words as there are */

struct cli;

enum cli_group { CLI_GROUP_HOST, CLI_GROUP_LOOK, CLI_GROUP_REGISTRY, CLI_GROUP_AUTHOR, CLI_GROUP_COUNT };

struct cli_argument {
	const char *name; /* "NAME"; NULL ends the list */
	const char *help;
	unsigned min, max; /* how many words */
	enum cli_names completes;
};

struct cli_example {
	const char *line; /* NULL ends the list */
	const char *meaning;
};

struct cli_command {
	const char *name; /* one word */
	const char *full; /* with the family's name before it: "registry add" */
	enum cli_group group;
	const char *summary;	 /* lower case, no full stop */
	const char *description; /* paragraphs, an empty line between them */
	const struct cli_argument *arguments;
	const struct cli_option *options;
	const struct cli_example *examples;
	int (*run)(struct cli *cli);		   /* gives the exit code; NULL for a family */
	const struct cli_command *const *children; /* of a family; ends with NULL */
	bool standalone;			   /* runs without a context of the library */
};

/* Ends with NULL. */
extern const struct cli_command *const cli_commands[];
extern const char *const cli_group_titles[CLI_GROUP_COUNT];

const struct cli_command *cli_command_find(const struct cli_command *const *commands, const char *name);
/* The command that the words name, and in *ret_used how many of them do; NULL with a sentence in *error. */
const struct cli_command *cli_command_of_words(const char *const *words, size_t count, size_t *ret_used,
					       struct iov_buf *error);
/* Whether there are as many words as the command wants. */
bool cli_command_check_words(const struct cli_command *command, const struct cli_list *words, struct iov_buf *error);

extern const struct cli_command cli_cmd_install, cli_cmd_remove, cli_cmd_upgrade, cli_cmd_rollback, cli_cmd_load,
	cli_cmd_unload, cli_cmd_status, cli_cmd_list, cli_cmd_search, cli_cmd_info, cli_cmd_verify, cli_cmd_doctor,
	cli_cmd_gc, cli_cmd_events, cli_cmd_registry, cli_cmd_key, cli_cmd_build, cli_cmd_pack, cli_cmd_publish,
	cli_cmd_yank, cli_cmd_unyank, cli_cmd_deprecate, cli_cmd_restore, cli_cmd_save, cli_cmd_facts, cli_cmd_check,
	cli_cmd_help, cli_cmd_tree, cli_cmd_why, cli_cmd_outdated, cli_cmd_pin, cli_cmd_unpin, cli_cmd_apply,
	cli_cmd_lock;
/* Members of families that have a file of their own. */
extern const struct cli_command cli_cmd_registry_serve;

/* Of families whose commands have files of their own. */
extern const struct cli_command cli_cmd_registry_accept, cli_cmd_registry_root, cli_cmd_registry_grant,
	cli_cmd_registry_revoke, cli_cmd_registry_refresh, cli_cmd_registry_audit, cli_cmd_registry_compare,
	cli_cmd_registry_witness, cli_cmd_registry_cosigned;

#endif
