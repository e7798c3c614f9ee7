#include <unistd.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument path[] = {
	{"PATH", "the registry's bare repository", 1, 1, CLI_NAMES_FOLDERS},
	{0},
};

static const struct cli_option options[] = {
	CLI_OPTION_KEY("by default the one here that the root names"),
	{.name = "hook",
	 .help = "be git's hook proc-receive: judge what is pushed before the push ends",
	 .excludes = "verdicts",
	 .to = offsetof(struct cli_values, hook)},
	{.name = "verdicts",
	 .help = "write the reason of each refusal to refs/heads/verdict/, signed, for publishers that poll",
	 .to = offsetof(struct cli_values, verdicts)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg registry accept /srv/git/modules.git", "take in what waits"},
	{"iovpkg registry accept . --hook --key /srv/git/modules.key", "the hook proc-receive of a repository"},
	{0},
};

/* A release has one version, a statement is about several. */
static void show_accepted(const json_t *row, struct iov_buf *out)
{
	size_t i;
	json_t *version;
	iov_auto(iov_buf_release) struct iov_buf versions = {0};
	if (json_object_get(row, "version"))
		iov_buf_puts(&versions, cli_text(row, "version"));
	json_array_foreach(json_object_get(row, "versions"), i, version)
		iov_buf_printf(&versions, "%s%s", i ? ", " : "", json_string_value(version));
	cli_show_line(out, "accepted %s %s %s", cli_text(row, "kind"), cli_text(row, "name"),
		      versions.data ? versions.data : "");
}

static void show_accept(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(answer, "accepted"), i, row)
		show_accepted(row, out);
	json_array_foreach(json_object_get(answer, "refused"), i, row) {
		cli_add_styled(out, look, CLI_BAD, "refused");
		cli_show_line(out, " %s: %s", cli_text(row, "name"), cli_text(row, "reason"));
	}
	if (!json_array_size(json_object_get(answer, "accepted")) &&
	    !json_array_size(json_object_get(answer, "refused")))
		iov_buf_puts(out, "no submission waits\n");
}

static int run_accept(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	char *json = NULL;
	if (values->hook)
		return cli_report(
			cli, iov_registry_receive(cli->ctx, cli_word(cli, 0), values->key, STDIN_FILENO, STDOUT_FILENO),
			NULL, NULL);
	int rc = iov_registry_accept(cli->ctx, cli_word(cli, 0), values->key, values->verdicts ? IOV_VERDICTS : 0,
				     &json);
	return cli_report(cli, rc, json, show_accept);
}

const struct cli_command cli_cmd_registry_accept = {
	.name = "accept",
	.full = "registry accept",
	.summary = "check and take in waiting submissions",
	.description = "Checks every submission that waits in the repository, appends the good ones to the log and "
		       "signs the new head. "
		       "A submission that is refused is named with the reason.\n\n"
		       "With --hook it is the hook proc-receive of the repository (githooks(5)): it is spoken to by "
		       "git, judges what is pushed to refs/heads/incoming/ at once, and the reason of a refusal is "
		       "what the publisher reads at the end of his push. Nothing else can be pushed then. "
		       "'iovpkg registry init --hook' installs it.",
	.arguments = path,
	.options = options,
	.examples = examples,
	.run = run_accept,
};
