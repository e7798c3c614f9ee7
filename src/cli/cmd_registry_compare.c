#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument arguments[] = {
	{"REGISTRY", "a registry that 'iovpkg registry list' shows, the path of a repository, or a sparse+https URL", 1,
	 1, CLI_NAMES_REGISTRIES},
	{"OTHER", "the file of a checkpoint that somebody else saw, or the path or URL of another copy", 1, 1,
	 CLI_NAMES_FILES},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg registry compare main checkpoint.from-berlin", "does everybody see the same log?"},
	{"iovpkg registry compare main https://mirror.example.org/modules.git", "is the mirror a copy?"},
	{0},
};

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	const json_t *ours = json_object_get(answer, "ours"), *theirs = json_object_get(answer, "theirs");
	bool good = cli_true(answer, "consistent");
	cli_add_styled(out, look, good ? CLI_GOOD : CLI_BAD, good ? "one log" : "FORK");
	cli_show_line(out, "  of %s%s%s", cli_text(answer, "origin"), good ? ": " : "",
		      good ? cli_text(answer, "relation") : "");
	cli_show_line(out, "  ours    %llu entries, root %s", (unsigned long long)cli_uint(ours, "size"),
		      cli_text(ours, "root"));
	cli_show_line(out, "  theirs  %llu entries, root %s", (unsigned long long)cli_uint(theirs, "size"),
		      cli_text(theirs, "root"));
	if (!good)
		iov_buf_puts(out,
			     "Both are signed by the registry's key, so it told two stories. Keep both checkpoints: "
			     "they are the proof.\n");
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_compare(cli->ctx, cli_word(cli, 0), cli_word(cli, 1), &json);
	bool good = rc || cli_answer_has(json, "consistent");
	rc = cli_answer(cli, rc, json, show);
	return rc || good ? rc : (int)IOV_E_UNTRUSTED;
}

const struct cli_command cli_cmd_registry_compare = {
	.name = "compare",
	.full = "registry compare",
	.summary = "prove that two views of a registry are of one log",
	.description = "Proves by the log's tiles that the log as this host sees it goes on from the one that a "
		       "checkpoint tells of, "
		       "or the other way round. A registry that shows different logs to different hosts cannot pass: "
		       "that is a "
		       "fork, and the exit code is 6.",
	.arguments = arguments,
	.examples = examples,
	.run = run,
};
