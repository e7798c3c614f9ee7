#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"

static const struct cli_example examples[] = {
	{"iovpkg list", "installed modules, and the generations that rollback can go to"},
	{0},
};

static void add_module(struct cli_table *table, const json_t *module, const struct cli_look *look)
{
	iov_auto(iov_buf_release) struct iov_buf instances = {0};
	size_t i;
	json_t *name;
	json_array_foreach(json_object_get(module, "instances"), i, name) {
		iov_buf_printf(&instances, "%s%s", i ? ", " : "",
			       json_string_value(name) ? json_string_value(name) : "");
	}
	const bool wished = cli_true(module, "wished");
	const char *requirement = cli_text(module, "requirement");
	cli_table_add(table, CLI_STRONG, "%s", cli_text(module, "name"));
	cli_table_add(table, CLI_PLAIN, "%s", cli_text(module, "version"));
	cli_table_add(table, CLI_PLAIN, "%s", cli_text(module, "registry"));
	cli_table_add(table, wished ? CLI_PLAIN : CLI_FAINT, "%s",
		      !wished	     ? "for others"
		      : *requirement ? requirement
				     : "*");
	cli_table_add(table, CLI_PLAIN, "%s", instances.len ? instances.data : cli_dash(look));
}

static void show_generations(const json_t *list, struct iov_buf *out)
{
	size_t i;
	json_t *generation;
	iov_buf_printf(out, "\nGeneration %llu is current; kept:", (unsigned long long)cli_uint(list, "generation"));
	json_array_foreach(json_object_get(list, "generations"), i, generation) {
		iov_buf_printf(out, " %lld", (long long)json_integer_value(generation));
	}
	iov_buf_puts(out, "\n");
}

static void show(const struct cli_look *look, const json_t *list, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "MODULE"},
		{.title = "VERSION"},
		{.title = "REGISTRY", .shrinks = true},
		{.title = "ASKED FOR"},
		{.title = "INSTANCES", .shrinks = true},
	};
	const json_t *modules = json_object_get(list, "modules");
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *module;
	json_array_foreach(modules, i, module) {
		add_module(&table, module, look);
	}
	if (json_array_size(modules))
		cli_table_print(&table, look, out);
	else
		iov_buf_puts(out, "Nothing is installed. 'iovpkg search' shows what there is to install.\n");
	cli_table_release(&table);
	if (json_array_size(json_object_get(list, "generations")))
		show_generations(list, out);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_list(cli->ctx, &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_list = {
	.name = "list",
	.full = "list",
	.group = CLI_GROUP_LOOK,
	.summary = "list installed modules and kept generations",
	.description = "Lists the modules that are installed, the requirement with which each was asked for, and its "
		       "instances; then the "
		       "generations that 'iovpkg rollback' can go back to.",
	.examples = examples,
	.run = run,
};
