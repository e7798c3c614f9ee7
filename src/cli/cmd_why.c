#include "cli/cli.h"
#include "cli/json.h"

static const struct cli_argument arguments[] = {
	{"NAME", "an installed module", 1, 1, CLI_NAMES_INSTALLED},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg why flow-table", "who needs flow-table, and who asked for those"},
	{0},
};

/* "flow-count 1.1.0 (asked for: ^1.0) -> flow-table 1.0.0 (^1.0)" */
static void add_chain(const struct cli_look *look, const json_t *chain, bool wished, struct iov_buf *out)
{
	size_t i;
	json_t *link;
	json_array_foreach(chain, i, link) {
		const char *requirement = cli_text(link, "requirement");
		if (i)
			iov_buf_printf(out, " %s ", cli_arrow(look));
		cli_add_styled(out, look, CLI_STRONG, cli_text(link, "module"));
		iov_buf_printf(out, " %s", cli_text(link, "version"));
		if (i || wished)
			iov_buf_printf(out, " (%s%s)", i ? "" : "asked for: ", requirement);
		else
			iov_buf_puts(out, " (nobody asked for it)");
	}
	iov_buf_puts(out, "\n");
}

static void add_instances(const json_t *why, struct iov_buf *out)
{
	const json_t *instances = json_object_get(why, "instances");
	size_t i;
	json_t *name;
	if (!json_array_size(instances))
		return;
	iov_buf_puts(out, "It runs as ");
	json_array_foreach(instances, i, name)
		iov_buf_printf(out, "%s%s", i ? ", " : "", json_string_value(name));
	iov_buf_puts(out, ".\n");
}

static void show(const struct cli_look *look, const json_t *why, struct iov_buf *out)
{
	size_t i;
	json_t *chain;
	json_array_foreach(json_object_get(why, "chains"), i, chain)
		add_chain(look, chain, json_is_string(json_object_get(json_array_get(chain, 0), "requirement")), out);
	if (cli_true(why, "more"))
		iov_buf_puts(out, "There are more chains than these.\n");
	add_instances(why, out);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_why(cli->ctx, cli_word(cli, 0), &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_why = {
	.name = "why",
	.full = "why",
	.group = CLI_GROUP_LOOK,
	.summary = "tell why a module is installed",
	.description =
		"Shows every chain of modules from one that was asked for to this one, with what each link needs "
		"of the next.",
	.arguments = arguments,
	.examples = examples,
	.run = run,
};
