#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"

static const struct cli_example examples[] = {
	{"iovpkg status", "what runs, where, and how often it ran"},
	{"iovpkg status --json | jq '.instances[].hooks[].runs'", "the same for a program"},
	{0},
};

static void add_runs(struct cli_table *table, const json_t *hook, const struct cli_look *look)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	if (!cli_true(hook, "attached")) {
		cli_table_add(table, CLI_BAD, "not attached");
		return;
	}
	if (json_is_integer(json_object_get(hook, "runs")))
		cli_add_number(&text, cli_uint(hook, "runs"));
	else
		iov_buf_puts(&text, cli_dash(look));
	cli_table_add(table, CLI_PLAIN, "%s", text.data);
}

static void add_hook(struct cli_table *table, const json_t *hook, const struct cli_look *look)
{
	const char *target = cli_text(hook, "target");
	const char *kind = cli_text(hook, "hook");
	cli_table_add(table, CLI_PLAIN, "%s", *kind ? kind : cli_text(hook, "section"));
	cli_table_add(table, CLI_PLAIN, "%s", *target ? target : cli_dash(look));
	cli_table_add(table, CLI_PLAIN, "%s", cli_text(hook, "program"));
	add_runs(table, hook, look);
}

static void add_blanks(struct cli_table *table, unsigned count)
{
	while (count--)
		cli_table_add(table, CLI_PLAIN, "%s", "");
}

static void add_instance(struct cli_table *table, const json_t *instance, const struct cli_look *look)
{
	size_t i;
	json_t *hook, *hooks = json_object_get(instance, "hooks");
	cli_table_add(table, CLI_STRONG, "%s", cli_text(instance, "name"));
	cli_table_add(table, CLI_PLAIN, "%s %s", cli_text(instance, "module"), cli_text(instance, "version"));
	if (!json_array_size(hooks)) {
		cli_table_add(table, CLI_FAINT, "%s", cli_dash(look));
		add_blanks(table, 3);
	}
	json_array_foreach(hooks, i, hook) {
		if (i)
			add_blanks(table, 2);
		add_hook(table, hook, look);
	}
}

static void add_sharers(struct iov_buf *text, const char *provider, const json_t *importers,
			const struct cli_look *look)
{
	size_t i;
	json_t *importer;
	iov_buf_puts(text, provider);
	json_array_foreach(importers, i, importer) {
		if (i)
			iov_buf_puts(text, ", ");
		else
			iov_buf_printf(text, " %s ", cli_arrow(look));
		iov_buf_printf(text, "%s (%s)", cli_text(importer, "instance"), cli_text(importer, "access"));
	}
}

static void add_map(struct cli_table *table, const char *provider, const json_t *map, const struct cli_look *look)
{
	iov_auto(iov_buf_release) struct iov_buf sharers = {0}, entries = {0};
	add_sharers(&sharers, provider, json_object_get(map, "importers"), look);
	if (json_is_integer(json_object_get(map, "entries")))
		cli_add_number(&entries, cli_uint(map, "entries"));
	else
		iov_buf_puts(&entries, cli_dash(look));
	iov_buf_puts(&entries, " / ");
	cli_add_number(&entries, cli_uint(map, "max_entries"));
	cli_table_add(table, CLI_STRONG, "%s", cli_text(map, "name"));
	cli_table_add(table, CLI_PLAIN, "%s", sharers.data);
	cli_table_add(table, CLI_PLAIN, "%s", cli_text(map, "type"));
	cli_table_add(table, CLI_PLAIN, "%s", entries.data);
}

static void show_instances(const struct cli_look *look, const json_t *instances, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "INSTANCE"},
		{.title = "MODULE"},
		{.title = "HOOK"},
		{.title = "TARGET", .shrinks = true},
		{.title = "PROGRAM", .shrinks = true},
		{.title = "RUNS", .right = true},
	};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *instance;
	json_array_foreach(instances, i, instance) {
		add_instance(&table, instance, look);
	}
	cli_table_print(&table, look, out);
	cli_table_release(&table);
}

/* Global variables are maps too, but only the module's author asks for them: --json has them. */
static void show_maps(const struct cli_look *look, const json_t *instances, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "MAP"},
		{.title = "SHARED", .shrinks = true},
		{.title = "TYPE"},
		{.title = "ENTRIES", .right = true},
	};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i, j;
	json_t *instance, *map;
	json_array_foreach(instances, i, instance) {
		json_array_foreach(json_object_get(instance, "maps"), j, map) {
			if (!strchr(cli_text(map, "name"), '.'))
				add_map(&table, cli_text(instance, "name"), map, look);
		}
	}
	if (table.n_cells) {
		iov_buf_puts(out, "\n");
		cli_table_print(&table, look, out);
	}
	cli_table_release(&table);
}

static void add_names(struct iov_buf *out, const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name) {
		iov_buf_puts(out, i ? ", " : "");
		cli_add_clean(out, json_is_string(name) ? json_string_value(name) : "?", false);
	}
}

/* Why another group of programs does not run: the first line says it, --json has all. */
static void add_passed_over(const json_t *instance, struct iov_buf *out)
{
	const json_t *choice = json_object_get(instance, "choice");
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(choice, "passed_over"), i, group) {
		const char *reason = cli_text(group, "reason");
		iov_auto(iov_free_ptr) char *line = strndup(reason, strcspn(reason, "\n"));
		iov_buf_printf(out, "\n%s runs ", cli_text(instance, "name"));
		add_names(out, json_object_get(choice, "programs"));
		iov_buf_puts(out, " in place of ");
		add_names(out, json_object_get(group, "programs"));
		iov_buf_puts(out, ": ");
		cli_add_clean(out, line ? line : "", false);
		iov_buf_puts(out, ".\n");
	}
}

static void show_choices(const json_t *instances, struct iov_buf *out)
{
	size_t i;
	json_t *instance;
	json_array_foreach(instances, i, instance) {
		add_passed_over(instance, out);
	}
}

static void show(const struct cli_look *look, const json_t *status, struct iov_buf *out)
{
	const json_t *instances = json_object_get(status, "instances");
	if (cli_true(status, "pending")) {
		cli_add_styled(out, look, CLI_CAUTION,
			       "A change was interrupted; the next changing command settles it.");
		iov_buf_puts(out, "\n\n");
	}
	if (!json_array_size(instances)) {
		iov_buf_puts(out, "Nothing is loaded. 'iovpkg search' shows what there is to install.\n");
		return;
	}
	show_instances(look, instances, out);
	show_maps(look, instances, out);
	show_choices(instances, out);
	iov_buf_printf(out, "\nGeneration %llu.\n", (unsigned long long)cli_uint(status, "generation"));
	if (!cli_true(status, "stats"))
		iov_buf_puts(out,
			     "The kernel does not count runs; 'sysctl kernel.bpf_stats_enabled=1' turns that on.\n");
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_status(cli->ctx, &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_status = {
	.name = "status",
	.full = "status",
	.group = CLI_GROUP_LOOK,
	.summary = "show what runs in the kernel",
	.description = "Shows each instance with its hooks, targets, programs and run counts, and the maps with those "
		       "that share them, "
		       "as the kernel has them now.",
	.examples = examples,
	.run = run,
};
