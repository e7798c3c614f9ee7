#include "cli/cli.h"
#include "cli/show_statement.h"

static const struct cli_argument arguments[] = {
	{"NAME@VERSION", "a published release", 1, 1, CLI_NAMES_AVAILABLE},
	{0},
};

static const struct cli_option options[] = {
	{.name = "reason",
	 .kind = CLI_TEXT,
	 .value = "TEXT",
	 .help = "why, in one line; whoever meets the release reads it (needed)",
	 .to = offsetof(struct cli_values, reason)},
	CLI_OPTION_REGISTRY,
	CLI_OPTION_KEY("by default the only one here"),
	CLI_OPTION_DRY_RUN,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg yank flow-top@1.2.0 --reason 'loses entries under load'", "nobody gets 1.2.0 anew"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	char *json = NULL;
	int rc = iov_yank(cli->ctx, cli_word(cli, 0), values->reason, values->registry, values->key, cli_flags(values),
			  &json);
	return cli_report(cli, rc, json, cli_show_statement);
}

const struct cli_command cli_cmd_yank = {
	.name = "yank",
	.full = "yank",
	.group = CLI_GROUP_AUTHOR,
	.summary = "withdraw a release, so that nobody gets it anew",
	.description =
		"Signs the statement that a release is withdrawn and submits it to the registry, as 'iovpkg publish' "
		"submits a release. A yanked release stays in the log, and where it is installed or locked; no host "
		"chooses it anew. A publisher of the module may yank, and so may the registry's owner. Yanking what "
		"is yanked is success.\n\n"
		"'iovpkg unyank' takes it back.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
