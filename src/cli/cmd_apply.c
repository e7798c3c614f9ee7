#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"MANIFEST", "a host manifest: what this host should run", 1, 1, CLI_NAMES_FILES},
	{0},
};

static const struct cli_option options[] = {
	{.name = "locked",
	 .help = "install exactly what the lock beside the manifest says, or change nothing",
	 .to = offsetof(struct cli_values, locked)},
	CLI_OPTION_MIN_AGE,
	CLI_OPTION_LOSSY,
	CLI_OPTION_NO_HEALTH,
	CLI_OPTION_DRY_RUN,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg apply host.yaml --dry-run", "the way from here to there"},
	{"iovpkg apply host.yaml --locked", "go it, with the releases of host.lock.json"},
	{0},
};

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_apply(cli->ctx, cli_word(cli, 0), cli_flags(&cli->values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_apply = {
	.name = "apply",
	.full = "apply",
	.group = CLI_GROUP_HOST,
	.summary = "make this host what a host manifest says",
	.description =
		"Installs the modules that the manifest names, in versions that it allows, and runs the instances that "
		"it "
		"names, with its parameters and no others. What they need comes along, and everything else goes. The "
		"registries that it names are trusted by the fingerprints in it. All of it happens, or nothing "
		"does.\n\n"
		"Modules that are installed keep their versions where the manifest allows them. With --locked the "
		"releases "
		"are those of the lock that 'iovpkg lock' wrote, byte for byte: where the lock is not that of the "
		"manifest, or a registry does not have them any more, the difference is named and nothing changes.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
