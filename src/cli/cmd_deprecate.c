#include "cli/cli.h"
#include "cli/show_statement.h"

static const struct cli_argument arguments[] = {
	{"NAME[@VERSION]", "a module, or those of its releases that fit: flow-top@^1", 1, 1, CLI_NAMES_AVAILABLE},
	{0},
};

static const struct cli_option options[] = {
	{.name = "text",
	 .kind = CLI_TEXT,
	 .value = "TEXT",
	 .help = "why, and what to do, in one line (needed unless --undo is given)",
	 .excludes = "undo",
	 .to = offsetof(struct cli_values, text)},
	{.name = "successor",
	 .kind = CLI_TEXT,
	 .completes = CLI_NAMES_AVAILABLE,
	 .value = "NAME",
	 .help = "the module to use instead",
	 .excludes = "undo",
	 .to = offsetof(struct cli_values, successor)},
	{.name = "undo", .help = "take it back", .to = offsetof(struct cli_values, undo)},
	CLI_OPTION_REGISTRY,
	CLI_OPTION_KEY("by default the only one here"),
	CLI_OPTION_DRY_RUN,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg deprecate flow-top --text 'no longer kept up' --successor flow-best",
	 "every release that there is by now"},
	{"iovpkg deprecate flow-top@^1 --text 'use 2.x'", "releases of 1.x alone"},
	{"iovpkg deprecate flow-top --undo", "it is kept up again"},
	{0},
};

static int run(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	char *json = NULL;
	int rc = values->undo ? iov_undeprecate(cli->ctx, cli_word(cli, 0), values->registry, values->key,
						cli_flags(values), &json)
			      : iov_deprecate(cli->ctx, cli_word(cli, 0), values->text, values->successor,
					      values->registry, values->key, cli_flags(values), &json);
	return cli_report(cli, rc, json, cli_show_statement);
}

const struct cli_command cli_cmd_deprecate = {
	.name = "deprecate",
	.full = "deprecate",
	.group = CLI_GROUP_AUTHOR,
	.summary = "tell users of releases that they should move on",
	.description =
		"Signs the statement that releases are deprecated and submits it to the registry. They can still "
		"be installed; 'install' warns, and 'outdated' lists them with the text and the successor. "
		"Releases that are published later are not deprecated.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
