#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"NAME", "an installed module", 1, 1, CLI_NAMES_INSTALLED},
	{0},
};

static const struct cli_option options[] = {CLI_OPTION_AS,
					    CLI_OPTION_SET,
					    CLI_OPTION_IMPORT,
					    CLI_OPTION_LOSSY,
					    CLI_OPTION_NO_HEALTH,
					    CLI_OPTION_DRY_RUN,
					    {0}};

static const struct cli_example examples[] = {
	{"iovpkg load xdp-guard --as guard-wan --set iface=wan0", "a second instance, with its own parameters"},
	{"iovpkg load flow-count --as flow-count-b --import flows=flow-table-b", "a second instance, on another table"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	const struct iov_settings settings = cli_settings(values);
	char *json = NULL;
	int rc = iov_load(cli->ctx, cli_word(cli, 0), values->alias, settings, cli_flags(values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_load = {
	.name = "load",
	.full = "load",
	.group = CLI_GROUP_HOST,
	.summary = "make an instance of an installed module",
	.description =
		"Loads the programs of an installed module into the kernel, attaches them to their hooks and "
		"shares the maps "
		"that it imports. A module may run as several instances under different names, each "
		"with maps of its own. "
		"An imported map comes from the instance that is named as its module, unless --import names another; "
		"the choice is kept when the instance is upgraded, and named again it is changed.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
