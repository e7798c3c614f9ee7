#include <stdint.h>

#include "cli/cli.h"
#include "cli/show_plan.h"

static const struct cli_argument arguments[] = {
	{"GENERATION", "a generation that 'iovpkg list' shows; by default the one before the current", 0, 1,
	 CLI_NAMES_NONE},
	{0},
};

static const struct cli_option options[] = {CLI_OPTION_NO_HEALTH, CLI_OPTION_DRY_RUN, {0}};

static const struct cli_example examples[] = {
	{"iovpkg rollback", "undo the last change"},
	{"iovpkg rollback 7 --dry-run", "see the way back to generation 7"},
	{0},
};

static int run(struct cli *cli)
{
	const char *word = cli_word(cli, 0);
	uint64_t generation = word ? cli_parse_number(word, INT64_MAX) : 0;
	if (word && !generation)
		return cli_fail(cli, IOV_E_USAGE,
				"a generation is a number from 1; 'iovpkg list' shows those that are kept");
	char *json = NULL;
	int rc = iov_rollback(cli->ctx, generation, cli_flags(&cli->values), &json);
	return cli_answer_plan(cli, rc, json);
}

const struct cli_command cli_cmd_rollback = {
	.name = "rollback",
	.full = "rollback",
	.group = CLI_GROUP_HOST,
	.summary = "go back to what an earlier generation held",
	.description =
		"Every change of a host makes a new generation. This one makes a further generation that holds what an "
		"earlier one held: the same releases, instances and parameters.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
