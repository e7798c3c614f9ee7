#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"
#include "cli/show.h"
#include "cli/signals.h"
#include "util/cleanup.h"

static const struct cli_argument arguments[] = {
	{"PATH", "the registry's bare repository", 1, 1, CLI_NAMES_FOLDERS},
	{0},
};
static const struct cli_option options[] = {
	{.name = "write",
	 .kind = CLI_TEXT,
	 .value = "DIR",
	 .help = "write the files into this folder, for a web server",
	 .excludes = "listen",
	 .to = offsetof(struct cli_values, output)},
	{.name = "listen",
	 .kind = CLI_TEXT,
	 .value = "ADDRESS:PORT",
	 .help = "serve by itself there; by default 127.0.0.1:8080",
	 .to = offsetof(struct cli_values, listen)},
	{0},
};
static const struct cli_example examples[] = {
	{"iovpkg registry serve /srv/git/modules.git --write /srv/www/modules",
	 "files for nginx, and a file that configures it"},
	{"iovpkg registry serve /srv/git/modules.git --listen 127.0.0.1:8080", "a server for a first try"},
	{0},
};

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "%s shows head %llu: %llu files written, %llu removed, %llu archives",
		      cli_text(answer, "folder"), (unsigned long long)cli_uint(answer, "head"),
		      (unsigned long long)cli_uint(answer, "written"), (unsigned long long)cli_uint(answer, "removed"),
		      (unsigned long long)cli_uint(answer, "archives"));
	cli_show_line(out, "nginx: %s", cli_text(answer, "nginx"));
}

static int run_write(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_write(cli->ctx, cli_word(cli, 0), cli->values.output, &json);
	return cli_report(cli, rc, json, show);
}

static int run_server(struct cli *cli)
{
	const char *listen = cli->values.listen ? cli->values.listen : "127.0.0.1:8080";
	iov_auto(iov_close_fd) int stop_fd = cli_signals_fd();
	int rc = iov_registry_serve(cli->ctx, cli_word(cli, 0), listen, stop_fd);
	return rc ? cli_fail(cli, rc, iov_error_text(cli->ctx)) : IOV_OK;
}

static int run(struct cli *cli)
{
	return cli->values.output ? run_write(cli) : run_server(cli);
}

const struct cli_command cli_cmd_registry_serve = {
	.name = "serve",
	.full = "registry serve",
	.summary = "give the registry out over HTTP, as static files",
	.description =
		"Writes the registry as a folder of plain files, which any web server gives out as it is; hosts add "
		"it as sparse+https://HOST/PATH. Only what changed since the last time is touched, and who reads "
		"meanwhile never meets half of a publish. A commented file for nginx is written beside.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
