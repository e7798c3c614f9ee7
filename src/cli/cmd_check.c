#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_argument arguments[] = {
	{"MODULE|OBJECT", "a module of this host or a registry, or the file of an object", 1, 1, CLI_NAMES_FILES},
	{0},
};

static const struct cli_option options[] = {
	{.name = "against",
	 .kind = CLI_LIST,
	 .completes = CLI_NAMES_FILES,
	 .value = "FILE.btf",
	 .help = "the types of a kernel, what 'iovpkg facts' says of it beside them as FILE.json; may be given again; "
		 "by default the running kernel",
	 .to = offsetof(struct cli_values, against)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg check flow-count", "will this host's kernel load it?"},
	{"iovpkg check flow.bpf.o --against 6.1.btf --against 6.12.btf", "will these?"},
	{0},
};

static enum cli_style style_of(const char *verdict)
{
	return !strcmp(verdict, "yes") ? CLI_GOOD : !strcmp(verdict, "no") ? CLI_BAD : CLI_CAUTION;
}

/* "    flow.bpf.c:42: bpf_loop(8, step, &at, 0);" */
static void show_source(const json_t *source, struct iov_buf *out)
{
	if (!source)
		return;
	iov_buf_puts(out, "    ");
	cli_add_clean(out, cli_text(source, "file"), false);
	iov_buf_printf(out, ":%llu", (unsigned long long)cli_uint(source, "line"));
	if (*cli_text(source, "text"))
		iov_buf_puts(out, ": ");
	cli_add_clean(out, cli_text(source, "text"), false);
	iov_buf_puts(out, "\n");
}

static void show_reason(const json_t *reason, struct iov_buf *out)
{
	const char *program = cli_text(reason, "program");
	iov_buf_puts(out, "  ");
	if (*program) {
		iov_buf_puts(out, "program '");
		cli_add_clean(out, program, false);
		iov_buf_puts(out, "': ");
	}
	cli_add_clean(out, cli_text(reason, "text"), false);
	iov_buf_puts(out, "\n");
	show_source(json_object_get(reason, "source"), out);
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	size_t i, j;
	json_t *kernel, *reason;
	json_array_foreach(json_object_get(answer, "kernels"), i, kernel) {
		const char *verdict = cli_text(kernel, "verdict");
		cli_add_clean(out, cli_text(kernel, "kernel"), false);
		iov_buf_puts(out, ": ");
		cli_add_styled(out, look, style_of(verdict), verdict);
		iov_buf_puts(out, "\n");
		json_array_foreach(json_object_get(kernel, "reasons"), j, reason) {
			show_reason(reason, out);
		}
	}
}

/* A no is an answer, not an error, but a script must see it in the exit code; so must it a cannot-tell. */
static int code_of(const char *json)
{
	iov_auto(cli_json_release) json_t *answer = json_loads(json, 0, NULL);
	const char *verdict = cli_text(answer, "verdict");
	return !strcmp(verdict, "yes") ? IOV_OK : !strcmp(verdict, "no") ? IOV_E_UNSUPPORTED : IOV_E_PARTIAL;
}

static int run(struct cli *cli)
{
	char *json = NULL;
	const struct cli_list *against = &cli->values.against;
	int rc = iov_check(cli->ctx, cli_word(cli, 0), against->items, against->count, &json);
	int code = rc ? rc : code_of(json);
	rc = cli_answer(cli, rc, json, show);
	return rc ? rc : code;
}

const struct cli_command cli_cmd_check = {
	.name = "check",
	.full = "check",
	.group = CLI_GROUP_LOOK,
	.summary = "tell whether kernels will load a module",
	.description =
		"Holds what an object asks of a kernel against what kernels have, without loading anything: program "
		"and map types, helpers, functions, types and fields. The answer is yes, no, or cannot tell, with "
		"the reasons and, where the object has them, the lines of source that ask. A yes does not promise "
		"that the verifier likes the code.\n"
		"\n"
		"The exit code is 0 when every kernel says yes, 9 when one says no, and 18 when none says no but "
		"one cannot be told of.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
