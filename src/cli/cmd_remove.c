#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"NAME", "an installed module", 1, CLI_MANY, CLI_NAMES_INSTALLED},
	{0},
};

static const struct cli_option options[] = {CLI_OPTION_WITH_IMPORTERS, CLI_OPTION_DRY_RUN, {0}};

static const struct cli_example examples[] = {
	{"iovpkg remove flow-top", "unload flow-top and forget it"},
	{"iovpkg remove flow-table --with-importers", "and all modules that use its maps"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_list *words = &cli->values.words;
	char *json = NULL;
	int rc = iov_remove(cli->ctx, words->items, words->count, cli_flags(&cli->values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_remove = {
	.name = "remove",
	.full = "remove",
	.group = CLI_GROUP_HOST,
	.summary = "unload modules and undo their install",
	.description = "Unloads the instances of each module and takes the module off this host, together with what "
		       "was installed "
		       "for it alone. A module whose maps others import is not removed, unless they go too.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
