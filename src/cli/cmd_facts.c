#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_example examples[] = {
	{"iovpkg facts > 6.12.json", "what this host's kernel takes, for checks elsewhere"},
	{"cp /sys/kernel/btf/vmlinux 6.12.btf", "its types, which belong beside it"},
	{0},
};

/* The document is for programs, so people get it too. */
static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	char *text = json_dumps(answer, JSON_COMPACT | JSON_SORT_KEYS);
	iov_buf_puts(out, text ? text : "");
	iov_buf_puts(out, "\n");
	free(text);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_facts(cli->ctx, &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_facts = {
	.name = "facts",
	.full = "facts",
	.group = CLI_GROUP_LOOK,
	.summary = "tell what this host's kernel takes",
	.description =
		"Tries out which kinds of programs and maps the running kernel takes, and which helpers in which "
		"programs, and prints it as JSON. The answer is kept until another kernel runs.\n"
		"\n"
		"With a copy of the kernel's types beside it (/sys/kernel/btf/vmlinux as NAME.btf, this as "
		"NAME.json) modules can be held against this kernel on any other machine.",
	.examples = examples,
	.run = run,
};
