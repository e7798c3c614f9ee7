#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument path[] = {
	{"PATH", "the registry's bare repository", 1, 1, CLI_NAMES_FOLDERS},
	{0},
};

static const struct cli_option options[] = {
	CLI_OPTION_KEY("by default the one here that the root names"),
	{.name = "days",
	 .kind = CLI_NUMBER,
	 .value = "N",
	 .help = "how long the new head is good",
	 .max = 3660,
	 .to = offsetof(struct cli_values, days)},
	{.name = "if-left",
	 .kind = CLI_NUMBER,
	 .value = "N",
	 .help = "only when the head is good for less than N days more",
	 .max = 3660,
	 .to = offsetof(struct cli_values, left)},
	{0},
};

static void show_refresh(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "head %llu is %sgood until %s", (unsigned long long)cli_uint(answer, "head"),
		      cli_true(answer, "changed") ? "" : "still ", cli_text(answer, "expires"));
}

static int run_refresh(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_refresh(cli->ctx, cli_word(cli, 0), cli->values.key, (unsigned)cli->values.days,
				      (unsigned)cli->values.left, &json);
	return cli_report(cli, rc, json, show_refresh);
}

const struct cli_command cli_cmd_registry_refresh = {
	.name = "refresh",
	.full = "registry refresh",
	.summary = "sign the head anew",
	.description = "Signs the head anew with a later expiry, so that hosts can tell that the registry lives and "
		       "nobody holds old "
		       "news back. Run it from a timer, with --if-left as often as you like.",
	.arguments = path,
	.options = options,
	.run = run_refresh,
};
