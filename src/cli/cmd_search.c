#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"

static const struct cli_argument arguments[] = {
	{"TEXT", "part of a name or summary; by default every module is shown", 0, 1, CLI_NAMES_NONE},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg search flow", "modules with 'flow' in name or summary"},
	{0},
};

static void add_summary(struct cli_table *table, const json_t *module)
{
	const char *summary = cli_text(module, "summary");
	if (*cli_text(module, "yanked"))
		cli_table_add(table, CLI_BAD, "yanked; %s", summary);
	else if (*cli_text(module, "deprecated"))
		cli_table_add(table, CLI_CAUTION, "deprecated; %s", summary);
	else
		cli_table_add(table, CLI_PLAIN, "%s", summary);
}

static void show(const struct cli_look *look, const json_t *found, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "MODULE"},
		{.title = "VERSION"},
		{.title = "INSTALLED"},
		{.title = "REGISTRY"},
		{.title = "SUMMARY", .shrinks = true},
	};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *module;
	json_array_foreach(json_object_get(found, "modules"), i, module) {
		const char *installed = cli_text(module, "installed");
		cli_table_add(&table, CLI_STRONG, "%s", cli_text(module, "name"));
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(module, "version"));
		cli_table_add(&table, *installed ? CLI_GOOD : CLI_PLAIN, "%s", *installed ? installed : cli_dash(look));
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(module, "registry"));
		add_summary(&table, module);
	}
	if (table.n_cells)
		cli_table_print(&table, look, out);
	else
		iov_buf_puts(out, "No module matches. 'iovpkg registry list' shows where was searched.\n");
	cli_table_release(&table);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_search(cli->ctx, cli_word(cli, 0), &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_search = {
	.name = "search",
	.full = "search",
	.group = CLI_GROUP_LOOK,
	.summary = "find modules in the registries",
	.description = "Shows the newest version of each module whose name or summary contains the text.",
	.arguments = arguments,
	.examples = examples,
	.run = run,
};
