#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"INSTANCE", "an instance that 'iovpkg status' shows", 1, CLI_MANY, CLI_NAMES_INSTANCES},
	{0},
};

static const struct cli_option options[] = {CLI_OPTION_WITH_IMPORTERS, CLI_OPTION_DRY_RUN, {0}};

static const struct cli_example examples[] = {
	{"iovpkg unload guard-wan", "detach and unload one instance; its module stays installed"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_list *words = &cli->values.words;
	char *json = NULL;
	int rc = iov_unload(cli->ctx, words->items, words->count, cli_flags(&cli->values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_unload = {
	.name = "unload",
	.full = "unload",
	.group = CLI_GROUP_HOST,
	.summary = "end instances; their modules stay installed",
	.description = "Detaches the programs of each instance and unloads them with the maps that no other instance "
		       "uses. An instance "
		       "whose maps others import is not unloaded, unless they go too.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
