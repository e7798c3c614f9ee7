#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument arguments[] = {
	{"REGISTRY", "a registry that 'iovpkg registry list' shows, the path of a repository, or a sparse+https URL", 1,
	 1, CLI_NAMES_REGISTRIES},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg registry audit main", "does the index say what the log says, from the first entry on?"},
	{"iovpkg registry audit /srv/modules.git", "the same on the registry's host"},
	{"iovpkg registry audit sparse+https://example.org/modules", "the same of one that this host has not added"},
	{0},
};

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	bool good = cli_true(answer, "good");
	cli_add_styled(out, look, good ? CLI_GOOD : CLI_BAD, good ? "good" : "BAD");
	if (good)
		cli_show_line(out, "  %s: %llu log entries make %llu releases of %llu modules, as head %llu lists them",
			      cli_text(answer, "registry"), (unsigned long long)cli_uint(answer, "entries"),
			      (unsigned long long)cli_uint(answer, "releases"),
			      (unsigned long long)cli_uint(answer, "modules"),
			      (unsigned long long)cli_uint(answer, "head"));
	if (good && !cli_true(answer, "pinned"))
		cli_show_line(out, "first root %s, which nothing here has pinned", cli_text(answer, "fingerprint"));
	if (!good)
		cli_show_line(out, "   %s: %s", cli_text(answer, "registry"), cli_text(answer, "reason"));
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_audit(cli->ctx, cli_word(cli, 0), &json);
	bool good = rc || cli_answer_has(json, "good");
	rc = cli_answer(cli, rc, json, show);
	return rc || good ? rc : (int)IOV_E_UNTRUSTED;
}

const struct cli_command cli_cmd_registry_audit = {
	.name = "audit",
	.full = "registry audit",
	.summary = "replay the log against the index",
	.description =
		"Reads every entry of the log and builds from them what the index must say: each release by the digest "
		"of "
		"what its publisher signed, what was yanked or deprecated since and by whom, each root, and the index "
		"manifest after every entry. The first thing that does not fit is named, and the exit code is 6. Of a "
		"registry that this host has not added, the first root is taken for true, and its fingerprint told.",
	.arguments = arguments,
	.examples = examples,
	.run = run,
};
