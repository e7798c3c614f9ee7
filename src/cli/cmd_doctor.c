#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_option options[] = {
	{.name = "fix", .help = "mend what can be mended", .to = offsetof(struct cli_values, fix)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg doctor", "what differs between the current generation and the kernel"},
	{"iovpkg doctor --fix", "mend it, in one transaction"},
	{0},
};

static bool is_note(const json_t *finding)
{
	return !strcmp(cli_text(finding, "kind"), "not-ours");
}

static void add_finding(const struct cli_look *look, enum cli_style style, const char *word, const json_t *finding,
			bool remedy, struct iov_buf *out)
{
	cli_add_styled(out, look, style, word);
	iov_buf_puts(out, ": ");
	cli_add_clean(out, cli_text(finding, "text"), true);
	if (remedy) {
		iov_buf_puts(out, "; ");
		cli_add_clean(out, cli_text(finding, "remedy"), false);
	}
	iov_buf_puts(out, "\n");
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(answer, "mended"), i, one) {
		add_finding(look, CLI_GOOD, "mended", one, false, out);
	}
	json_array_foreach(json_object_get(answer, "findings"), i, one) {
		bool note = is_note(one);
		add_finding(look, note ? CLI_FAINT : CLI_BAD, note ? "note" : "differs", one, !note, out);
	}
	if (cli_true(answer, "clean"))
		iov_buf_printf(out, "Generation %llu, the disk and the kernel agree.\n",
			       (unsigned long long)cli_uint(answer, "generation"));
}

static bool is_clean(const char *json)
{
	iov_auto(cli_json_release) json_t *answer = json_loads(json, 0, NULL);
	return cli_true(answer, "clean");
}

/* A difference is an answer, not an error, but a script must see it in the exit code. */
static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_doctor(cli->ctx, cli->values.fix, &json);
	bool clean = rc || is_clean(json);
	rc = cli_answer(cli, rc, json, show);
	return rc || clean ? rc : (int)IOV_E_CONFLICT;
}

const struct cli_command cli_cmd_doctor = {
	.name = "doctor",
	.full = "doctor",
	.group = CLI_GROUP_LOOK,
	.summary = "find and mend differences between the generation and the kernel",
	.description = "Compares what the current generation says with what the disk and the kernel have: instances, "
		       "programs, "
		       "hooks, maps, entries of the store, and what is left over. Each difference is told with what to "
		       "do about it; "
		       "the exit code is 5 when there is any.\n\n"
		       "With --fix they are mended: what the store lacks is fetched or built, what is left over goes, "
		       "and instances "
		       "that differ are brought up anew with the maps that they have, in one transaction to a new "
		       "generation. Pins "
		       "and programs of other tools are told, and never touched.",
	.options = options,
	.examples = examples,
	.run = run,
};
