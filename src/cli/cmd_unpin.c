#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"NAME", "an installed module", 1, CLI_MANY, CLI_NAMES_INSTALLED},
	{0},
};

static const struct cli_option options[] = {CLI_OPTION_DRY_RUN, {0}};

static const struct cli_example examples[] = {
	{"iovpkg unpin flow-table", "the next upgrade may move flow-table again"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_list *words = &cli->values.words;
	char *json = NULL;
	int rc = iov_unpin(cli->ctx, words->items, words->count, cli_flags(&cli->values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_unpin = {
	.name = "unpin",
	.full = "unpin",
	.group = CLI_GROUP_HOST,
	.summary = "let upgrades move modules again",
	.description = "Takes back 'iovpkg pin'. The version stays what it is until the next upgrade.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
