#include <stdint.h>

#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_option options[] = {
	{.name = "keep",
	 .kind = CLI_NUMBER,
	 .value = "COUNT",
	 .max = INT64_MAX,
	 .help = "how many generations stay; by default 10",
	 .to = offsetof(struct cli_values, keep)},
	{.name = "dry-run",
	 .letter = 'n',
	 .help = "tell what would go, and remove nothing",
	 .to = offsetof(struct cli_values, dry_run)},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg gc", "remove what no kept generation needs"},
	{"iovpkg gc --keep 2 --dry-run", "see what keeping two generations only would free"},
	{0},
};

static void add_piece(const json_t *piece, const char *verb, struct iov_buf *out)
{
	iov_buf_printf(out, "%s %s ", verb, cli_text(piece, "kind"));
	cli_add_clean(out, cli_text(piece, "name"), false);
	iov_buf_puts(out, "  ");
	cli_add_size(out, cli_uint(piece, "bytes"));
	iov_buf_puts(out, "\n");
}

static void show_as(const json_t *answer, const char *verb, const char *total, struct iov_buf *out)
{
	size_t i;
	json_t *piece, *removed = json_object_get(answer, "removed");
	json_array_foreach(removed, i, piece) {
		add_piece(piece, verb, out);
	}
	if (!json_array_size(removed)) {
		iov_buf_puts(out, "Nothing to remove.\n");
		return;
	}
	cli_add_size(out, cli_uint(answer, "bytes"));
	iov_buf_puts(out, total);
}

static void show_removed(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	show_as(answer, "removed", " are free again.\n", out);
}

static void show_plan(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	show_as(answer, "would remove", " would be free again.\n", out);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_gc(cli->ctx, cli->values.keep, cli_flags(&cli->values), &json);
	return cli->values.dry_run ? cli_answer(cli, rc, json, show_plan) : cli_report(cli, rc, json, show_removed);
}

const struct cli_command cli_cmd_gc = {
	.name = "gc",
	.full = "gc",
	.group = CLI_GROUP_HOST,
	.summary = "remove generations, releases and caches that nothing needs",
	.description =
		"Removes the generations before the newest ten (or --keep), then the releases and built objects that "
		"no "
		"kept generation names, their archives, and what was cached for other kernels. What runs stays, and so "
		"does what is known and trusted of the registries.\n\n"
		"Every command that changes the host does the first part of this by itself.",
	.options = options,
	.examples = examples,
	.run = run,
};
