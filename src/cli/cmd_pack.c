#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument arguments[] = {
	{"DIR", "the module's folder, with its iov.yaml; by default the current one", 0, 1, CLI_NAMES_FOLDERS},
	{0},
};

static const struct cli_option options[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = CLI_TEXT,
	 .completes = CLI_NAMES_FILES,
	 .value = "FILE",
	 .help = "where the archive goes; by default NAME-VERSION.iov here",
	 .to = offsetof(struct cli_values, output)},
	CLI_OPTION_WITH_OBJECT,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg pack bpf-samples/flow-count -o /tmp/flow-count.iov", "the archive that 'publish' would submit"},
	{0},
};

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	iov_auto(iov_buf_release) struct iov_buf size = {0};
	(void)look;
	cli_add_size(&size, cli_uint(answer, "size"));
	cli_show_line(out, "packed %s %s: %s (%llu files, %s)", cli_text(answer, "name"), cli_text(answer, "version"),
		      cli_text(answer, "path"), (unsigned long long)cli_uint(answer, "files"), size.data);
	cli_show_line(out, "sha256 %s", cli_text(answer, "sha256"));
}

static int run(struct cli *cli)
{
	const char *dir = cli_word(cli, 0);
	char *json = NULL;
	int rc = iov_pack(cli->ctx, dir ? dir : ".", cli->values.output, cli->values.with_object, &json);
	return cli_report(cli, rc, json, show);
}

const struct cli_command cli_cmd_pack = {
	.name = "pack",
	.full = "pack",
	.group = CLI_GROUP_AUTHOR,
	.summary = "make a module's archive",
	.description = "Packs the module into one archive. The same module gives the same bytes, wherever, whenever "
		       "and by whomever it "
		       "is packed.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
