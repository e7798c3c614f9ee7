#include "cli/cli.h"
#include "cli/show_root.h"

static const struct cli_argument arguments[] = {
	{"PATH", "the registry's bare repository", 1, 1, CLI_NAMES_FOLDERS},
	{"PATTERN", "names: '*', 'flow-*', or one", 1, 1, CLI_NAMES_NONE},
	{"KEY", "the publisher's verifier key, or the name of a key pair here", 1, 1, CLI_NAMES_KEYS},
	{0},
};

#define OUTPUT                                                                                                         \
	{                                                                                                              \
		.name = "output", .letter = 'o', .kind = CLI_TEXT, .completes = CLI_NAMES_FILES, .value = "FILE",      \
		.help = "only write the new root there, for others to sign", .to = offsetof(struct cli_values, output) \
	}

static const struct cli_option grant_options[] = {CLI_OPTION_KEY("a root key; by default the one here"), OUTPUT, {0}};
static const struct cli_option revoke_options[] = {
	CLI_OPTION_KEY("a root key; by default the one here"),
	OUTPUT,
	{.name = "since",
	 .kind = CLI_TEXT,
	 .value = "LOG",
	 .help = "the key leaked: refuse what it signed from this log entry on",
	 .to = offsetof(struct cli_values, since)},
	{0},
};

static const struct cli_example grant_examples[] = {
	{"iovpkg registry grant /srv/modules.git 'flow-*' alice+1a2b3c4d+AQ…",
	 "alice publishes what begins with flow-"},
	{0},
};
static const struct cli_example revoke_examples[] = {
	{"iovpkg registry revoke /srv/modules.git 'flow-*' alice+1a2b3c4d+AQ…", "she left; her releases stay good"},
	{"iovpkg registry revoke /srv/modules.git 'flow-*' alice+1a2b3c4d+AQ… --since 812",
	 "her key leaked; log entry 812 was the first that she did not make"},
	{0},
};

static int report(struct cli *cli, int rc, char *json)
{
	return cli_report(cli, rc, json, cli->values.output ? cli_show_prepared_root : cli_show_published_root);
}

static int run_grant(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_grant(cli->ctx, cli_word(cli, 0), cli_word(cli, 1), cli_word(cli, 2), cli->values.key,
				    cli->values.output, &json);
	return report(cli, rc, json);
}

static int run_revoke(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_revoke(cli->ctx, cli_word(cli, 0), cli_word(cli, 1), cli_word(cli, 2), cli->values.since,
				     cli->values.key, cli->values.output, &json);
	return report(cli, rc, json);
}

const struct cli_command cli_cmd_registry_grant = {
	.name = "grant",
	.full = "registry grant",
	.summary = "let a key publish names",
	.description =
		"Makes and publishes a root that lets a key publish the modules whose names match. The longest "
		"pattern that fits a name decides alone who may publish it. Where several root keys have to sign, "
		"or none is here, write the root with -o and go on with 'iovpkg registry root sign'.",
	.arguments = arguments,
	.options = grant_options,
	.examples = grant_examples,
	.run = run_grant,
};

const struct cli_command cli_cmd_registry_revoke = {
	.name = "revoke",
	.full = "registry revoke",
	.summary = "let a key publish names no more",
	.description =
		"Makes and publishes a root by which a key may no longer publish the modules whose names match. "
		"What the log has of it until now stays good. With --since, what it signed from that log entry on "
		"is refused everywhere as the work of a stolen key, in the log or not.",
	.arguments = arguments,
	.options = revoke_options,
	.examples = revoke_examples,
	.run = run_revoke,
};
