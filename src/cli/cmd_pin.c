#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"NAME[@VERSION]", "an installed module, and the version to keep; by default the one it has", 1, CLI_MANY,
	 CLI_NAMES_INSTALLED},
	{0},
};

static const struct cli_option options[] = {CLI_OPTION_LOSSY, CLI_OPTION_NO_HEALTH, CLI_OPTION_DRY_RUN, {0}};

static const struct cli_example examples[] = {
	{"iovpkg pin flow-table", "no upgrade moves flow-table any more"},
	{"iovpkg pin flow-table@1.2.0", "go to 1.2.0, and stay there"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_list *words = &cli->values.words;
	char *json = NULL;
	int rc = iov_pin(cli->ctx, words->items, words->count, cli_flags(&cli->values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_pin = {
	.name = "pin",
	.full = "pin",
	.group = CLI_GROUP_HOST,
	.summary = "keep modules at their version",
	.description =
		"A pinned module keeps its version through every upgrade. What could only be had with another version "
		"of it is refused, and the refusal names the pin. 'iovpkg unpin' lets it go; so does removing the "
		"module.\n\n"
		"With a version, the module goes to that version first, whatever runs being replaced as in an upgrade.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
