#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"NAME[@REQ]", "an installed module, and which versions will do; by default every one", 0, CLI_MANY,
	 CLI_NAMES_INSTALLED},
	{0},
};

static const struct cli_option options[] = {
	{.name = "latest",
	 .help = "go beyond the versions that were asked for, and ask for the new ones from now on",
	 .to = offsetof(struct cli_values, latest)},
	CLI_OPTION_MIN_AGE,
	CLI_OPTION_LOSSY,
	CLI_OPTION_NO_HEALTH,
	CLI_OPTION_DRY_RUN,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg upgrade", "bring every module to the newest version that works"},
	{"iovpkg upgrade flow-count@~1.1", "bring one to the newest 1.1"},
	{"iovpkg upgrade flow-count --latest", "go from ^1.0 to 2.0.0, and ask for ^2.0.0 from now on"},
	{"iovpkg upgrade --min-age 7d", "bring nothing that has been out for less than a week"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_list *words = &cli->values.words;
	char *json = NULL;
	int rc = iov_upgrade(cli->ctx, words->items, words->count, cli_flags(&cli->values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_upgrade = {
	.name = "upgrade",
	.full = "upgrade",
	.group = CLI_GROUP_HOST,
	.summary = "replace running modules by newer versions",
	.description =
		"Swaps the programs of running instances for those of a newer release, without a gap at their hooks. "
		"Parameters stay, and so do the entries of maps: a map whose layout is the same goes on, and the "
		"entries of one that changes move to the new layout where the manifest says so; what was written to "
		"them meanwhile is merged. When any step fails, the old programs run on.\n\n"
		"What is pinned ('iovpkg pin') stays at its version; 'iovpkg outdated' tells beforehand what would "
		"come, "
		"and what would not.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
