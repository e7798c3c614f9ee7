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
	{.name = "dry-run",
	 .letter = 'n',
	 .help = "do all but the submission",
	 .to = offsetof(struct cli_values, dry_run)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg publish bpf-samples/flow-count --registry /srv/modules.git",
	 "submit it to a registry on this machine"},
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

static int run(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	const char *dir = cli_word(cli, 0);
	char *json = NULL;
	int rc = iov_publish(cli->ctx, dir ? dir : ".", values->registry, values->key, values->with_object,
			     cli_flags(values), &json);
	return cli_report(cli, rc, json, show);
}

const struct cli_command cli_cmd_publish = {
	.name = "publish",
	.full = "publish",
	.group = CLI_GROUP_AUTHOR,
	.summary = "sign a module and submit it to a registry",
	.description = "Packs, builds and checks the module, signs its release with your key and submits it. "
		       "Publishing the same bytes "
		       "again is success; other bytes under a version that is published are refused.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
