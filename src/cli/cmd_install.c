#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"NAME[@REQ]", "a module, and which versions will do: flow-count@^1.0", 1, CLI_MANY, CLI_NAMES_AVAILABLE},
	{0},
};

static const struct cli_option options[] = {
	CLI_OPTION_AS,
	CLI_OPTION_SET,
	CLI_OPTION_IMPORT,
	{.name = "no-load",
	 .help = "stop before the kernel: store the module, make no instance",
	 .excludes = "as",
	 .to = offsetof(struct cli_values, no_load)},
	CLI_OPTION_MIN_AGE,
	CLI_OPTION_LOSSY,
	CLI_OPTION_NO_HEALTH,
	CLI_OPTION_DRY_RUN,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg install flow-count --set iface=eth0", "install flow-count with all it needs, and count on eth0"},
	{"iovpkg install 'flow-count@^1.0' --no-load", "fetch, verify, build and store only"},
	{"iovpkg install xdp-guard --set iface=eth0 --dry-run", "see the plan first"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	const struct iov_settings settings = cli_settings(values);
	char *json = NULL;
	int rc = iov_install(cli->ctx, values->words.items, values->words.count, values->alias, settings,
			     cli_flags(values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_install = {
	.name = "install",
	.full = "install",
	.group = CLI_GROUP_HOST,
	.summary = "install modules and load them into the kernel",
	.description = "Resolves each module and what it depends on, fetches the archives, checks their signatures and "
		       "digests, builds "
		       "what has no object for this machine, and loads the programs into the live kernel: providers of "
		       "shared maps "
		       "first. All of it happens, or nothing does.\n\n"
		       "A module that is installed already keeps its version where the requirement allows it.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
