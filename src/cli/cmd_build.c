#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"
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
	 .help = "where the object goes; by default DIR/NAME.bpf.o",
	 .to = offsetof(struct cli_values, output)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg build bpf-samples/flow-count", "compile it as 'install' and 'publish' do"},
	{0},
};

static void add_names(const char *title, const json_t *names, struct iov_buf *out)
{
	iov_auto(iov_buf_release) struct iov_buf line = {0};
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name) {
		iov_buf_printf(&line, "%s %s", i ? "," : "", json_is_string(name) ? json_string_value(name) : "?");
	}
	if (line.len)
		cli_show_line(out, "%s%s", title, line.data);
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	iov_auto(iov_buf_release) struct iov_buf size = {0};
	(void)look;
	cli_add_size(&size, cli_uint(answer, "size"));
	cli_show_line(out, "built %s (%s)", cli_text(answer, "object"), size.data);
	add_names("programs:", json_object_get(answer, "programs"), out);
	add_names("maps:", json_object_get(answer, "maps"), out);
}

static int run(struct cli *cli)
{
	const char *dir = cli_word(cli, 0);
	char *json = NULL;
	int rc = iov_build(cli->ctx, dir ? dir : ".", cli->values.output, &json);
	return cli_report(cli, rc, json, show);
}

const struct cli_command cli_cmd_build = {
	.name = "build",
	.full = "build",
	.group = CLI_GROUP_AUTHOR,
	.summary = "compile a module in the sandbox",
	.description = "Compiles the sources that the manifest names with clang inside a sandbox without network, and "
		       "with limits on "
		       "time, memory and output, just as a host that installs the module does.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
