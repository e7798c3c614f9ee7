#include "cli/cli.h"
#include "cli/show_statement.h"

static const struct cli_argument arguments[] = {
	{"NAME@VERSION", "a yanked release", 1, 1, CLI_NAMES_AVAILABLE},
	{0},
};

static const struct cli_option options[] = {
	CLI_OPTION_REGISTRY,
	CLI_OPTION_KEY("by default the only one here"),
	CLI_OPTION_DRY_RUN,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg unyank flow-top@1.2.0", "it was not as bad as it looked"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	char *json = NULL;
	int rc = iov_unyank(cli->ctx, cli_word(cli, 0), values->registry, values->key, cli_flags(values), &json);
	return cli_report(cli, rc, json, cli_show_statement);
}

const struct cli_command cli_cmd_unyank = {
	.name = "unyank",
	.full = "unyank",
	.group = CLI_GROUP_AUTHOR,
	.summary = "take a yank back",
	.description = "Signs the statement that a release may be chosen again, and submits it. The log keeps both: a "
		       "host that knew the release as yanked asks the log for this entry before it believes it.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
