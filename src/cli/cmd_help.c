#include "cli/help.h"
#include "util/cleanup.h"

static const struct cli_argument arguments[] = {
	{"COMMAND", "a command; by default all are listed", 0, 3, CLI_NAMES_COMMANDS},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_list *words = &cli->values.words;
	iov_auto(iov_buf_release) struct iov_buf error = {0};
	size_t used = 0;
	const struct cli_command *command = cli_command_of_words(words->items, words->count, &used, &error);
	if (words->count && !command)
		return cli_fail(cli, IOV_E_USAGE, error.data);
	return cli_help(cli, command);
}

const struct cli_command cli_cmd_help = {
	.name = "help",
	.full = "help",
	.group = CLI_GROUP_LOOK,
	.summary = "explain a command",
	.description = "Prints what 'iovpkg COMMAND --help' prints.",
	.arguments = arguments,
	.run = run,
	.standalone = true,
};
