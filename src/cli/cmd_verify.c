#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_argument arguments[] = {
	{"NAME|FILE", "an installed module, by default every one; or an archive: ./flow-top-1.0.0.iov", 0, 1,
	 CLI_NAMES_INSTALLED},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg verify flow-count", "every link from the registry's pinned root to the bytes in the store"},
	{"iovpkg verify ./flow-count-1.1.0.iov", "is this file what a registry has published?"},
	{0},
};

static void add_line(struct iov_buf *out, const char *what, const char *text)
{
	iov_buf_puts(out, "  ");
	cli_add_clean(out, what, false);
	iov_buf_puts(out, ": ");
	cli_add_clean(out, text, false);
	iov_buf_puts(out, "\n");
}

static void show_module(const struct cli_look *look, const json_t *module, struct iov_buf *out)
{
	size_t i;
	json_t *link;
	bool good = cli_true(module, "good");
	cli_add_styled(out, look, good ? CLI_GOOD : CLI_BAD, good ? "good" : "BAD");
	iov_buf_puts(out, good ? "  " : "   ");
	cli_add_clean(out, cli_text(module, "name"), false);
	iov_buf_puts(out, " ");
	cli_add_clean(out, cli_text(module, "version"), false);
	iov_buf_puts(out, "\n");
	json_array_foreach(json_object_get(module, "chain"), i, link) {
		add_line(out, cli_text(link, "what"), cli_text(link, "text"));
	}
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	size_t i;
	json_t *module, *modules = json_object_get(answer, "modules");
	json_array_foreach(modules, i, module) {
		show_module(look, module, out);
	}
	if (!json_array_size(modules))
		iov_buf_puts(out, "Nothing is installed, so there is nothing to verify.\n");
}

static bool all_good(const char *json)
{
	iov_auto(cli_json_release) json_t *answer = json_loads(json, 0, NULL);
	size_t i;
	json_t *module;
	json_array_foreach(json_object_get(answer, "modules"), i, module) {
		if (!cli_true(module, "good"))
			return false;
	}
	return answer != NULL;
}

/* What is bad is an answer, not an error, but a script must see it in the exit code. */
static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_verify(cli->ctx, cli_word(cli, 0), &json);
	bool good = rc || all_good(json);
	rc = cli_answer(cli, rc, json, show);
	return rc || good ? rc : (int)IOV_E_UNTRUSTED;
}

const struct cli_command cli_cmd_verify = {
	.name = "verify",
	.full = "verify",
	.group = CLI_GROUP_LOOK,
	.summary = "check installed modules from the pinned root to the bytes",
	.description =
		"Checks again what was checked at the install: the registry's root and head, the publisher's "
		"signature of the "
		"release, its place in the log, and the digest of every file in the store. Where the registry is "
		"gone or out of reach, by the proof that the lock has kept, or an earlier verify: what it reads of a "
		"registry over HTTP it keeps. An archive in a file is looked up in "
		"the registries by its name and digest. The exit code is 6 when any of it is bad.",
	.arguments = arguments,
	.examples = examples,
	.run = run,
};
