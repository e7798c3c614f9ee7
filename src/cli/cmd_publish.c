#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument arguments[] = {
	{"DIR", "the module's folder, with its iov.yaml; by default the current one", 0, 1, CLI_NAMES_FOLDERS},
	{0},
};

static const struct cli_option options[] = {
	CLI_OPTION_REGISTRY,
	CLI_OPTION_KEY("by default the only one here"),
	CLI_OPTION_WITH_OBJECT,
	{.name = "wait",
	 .kind = CLI_AGE,
	 .value = "TIME",
	 .help = "wait this long for a registry that judges later, and end with its verdict: 90s, 10m",
	 .to = offsetof(struct cli_values, wait)},
	{.name = "dry-run",
	 .letter = 'n',
	 .help = "do all but the submission",
	 .to = offsetof(struct cli_values, dry_run)},
	{.name = "prepare",
	 .kind = CLI_TEXT,
	 .completes = CLI_NAMES_FILES,
	 .value = "FILE",
	 .help = "only write the release there, for several to sign with 'iovpkg key sign', and its archive beside it",
	 .excludes = "dry-run",
	 .to = offsetof(struct cli_values, prepare)},
	{.name = "prepared",
	 .kind = CLI_TEXT,
	 .completes = CLI_NAMES_FILES,
	 .value = "FILE",
	 .help = "submit what was written with --prepare and signed since",
	 .excludes = "prepare",
	 .to = offsetof(struct cli_values, prepared)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg publish bpf-samples/flow-count --registry /srv/modules.git",
	 "submit it to a registry on this machine"},
	{"iovpkg publish --registry main --key work --wait 10m", "submit it, and wait for what the registry's CI says"},
	{"iovpkg publish --registry main --key work --dry-run", "would the registry take what is here?"},
	{0},
};

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "%s %s: %s at %s", cli_text(answer, "name"), cli_text(answer, "version"),
		      cli_text(answer, "status"), cli_text(answer, "registry"));
	cli_show_line(out, "sha256 %s", cli_text(answer, "sha256"));
}

static void show_prepared(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "%s %s is in %s, its archive in %s; sign it with 'iovpkg key sign %s'",
		      cli_text(answer, "name"), cli_text(answer, "version"), cli_text(answer, "file"),
		      cli_text(answer, "archive"), cli_text(answer, "file"));
}

static int run_prepare(struct cli *cli)
{
	const char *dir = cli_word(cli, 0);
	char *json = NULL;
	int rc = iov_publish_prepare(cli->ctx, dir ? dir : ".", cli->values.with_object, cli->values.prepare, &json);
	return cli_report(cli, rc, json, show_prepared);
}

static int run_prepared(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	char *json = NULL;
	if (cli_word(cli, 0) || values->key)
		return cli_fail(cli, IOV_E_USAGE,
				"'publish --prepared' takes what was prepared and signed as it is; "
				"leave DIR and --key out");
	int rc = iov_publish_prepared(cli->ctx, values->prepared, values->registry, values->wait, cli_flags(values),
				      &json);
	return cli_report(cli, rc, json, show);
}

static int run(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	if (values->prepare)
		return run_prepare(cli);
	if (values->prepared)
		return run_prepared(cli);
	const char *dir = cli_word(cli, 0);
	char *json = NULL;
	int rc = iov_publish(cli->ctx, dir ? dir : ".", values->registry, values->key, values->with_object,
			     values->wait, cli_flags(values), &json);
	return cli_report(cli, rc, json, show);
}

const struct cli_command cli_cmd_publish = {
	.name = "publish",
	.full = "publish",
	.group = CLI_GROUP_AUTHOR,
	.summary = "sign a module and submit it to a registry",
	.description =
		"Packs, builds and checks the module, signs its release with your key and submits it. "
		"Publishing the same bytes "
		"again is success; other bytes under a version that is published are refused.\n\n"
		"A registry with a hook has judged the submission when the push ends. One whose host or CI judges "
		"later is waited for with --wait: until the release is in its index, or a refusal signed by its "
		"key is there. Without --wait the command ends with the submission, and publishing again says "
		"what became of it.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
