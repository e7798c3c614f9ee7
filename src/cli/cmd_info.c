#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"

static const struct cli_argument arguments[] = {
	{"NAME", "a module of the registries, or an installed one", 1, 1, CLI_NAMES_AVAILABLE},
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg info flow-count", "its programs, maps and parameters, and every release"},
	{0},
};

static void add_field(struct iov_buf *out, const char *title, const char *text)
{
	iov_buf_printf(out, "%-10s ", title);
	cli_add_clean(out, text, false);
	iov_buf_puts(out, "\n");
}

static void add_head(const json_t *info, struct iov_buf *out)
{
	const char *installed = cli_text(info, "installed");
	add_field(out, "module", cli_text(info, "name"));
	add_field(out, "summary", cli_text(info, "summary"));
	add_field(out, "license", cli_text(info, "license"));
	add_field(out, "registry", cli_text(info, "registry"));
	add_field(out, "installed", *installed ? installed : "no");
}

static void print_table(struct cli_table *table, const struct cli_look *look, struct iov_buf *out)
{
	if (table->n_cells) {
		iov_buf_puts(out, "\n");
		cli_table_print(table, look, out);
	}
	cli_table_release(table);
}

/* Of which one runs (`choose`). */
static bool has_groups(const json_t *programs)
{
	size_t i;
	json_t *program;
	json_array_foreach(programs, i, program) {
		if (cli_uint(program, "group"))
			return true;
	}
	return false;
}

static void add_group(struct cli_table *table, const json_t *program, const struct cli_look *look)
{
	unsigned long long group = cli_uint(program, "group");
	if (group)
		cli_table_add(table, CLI_PLAIN, "%llu", group);
	else
		cli_table_add(table, CLI_FAINT, "%s", cli_dash(look));
}

static void add_programs(const struct cli_look *look, const json_t *info, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "PROGRAM"}, {.title = "SECTION"}, {.title = "GROUP", .right = true}};
	const json_t *programs = json_object_get(info, "programs");
	struct cli_table table = {.columns = columns, .n_columns = has_groups(programs) ? 3 : 2};
	size_t i;
	json_t *program;
	json_array_foreach(programs, i, program) {
		cli_table_add(&table, CLI_STRONG, "%s", cli_text(program, "name"));
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(program, "section"));
		if (table.n_columns > 2)
			add_group(&table, program, look);
	}
	print_table(&table, look, out);
}

static void add_sharing(struct cli_table *table, const json_t *map, const struct cli_look *look)
{
	const char *exported = cli_text(map, "export");
	const char *provider = cli_text(map, "import");
	if (*provider)
		cli_table_add(table, CLI_PLAIN, "imported from %s", provider);
	else if (*exported)
		cli_table_add(table, CLI_PLAIN, "exported (%s)", exported);
	else
		cli_table_add(table, CLI_FAINT, "%s", cli_dash(look));
}

static void add_map(struct cli_table *table, const json_t *map, const struct cli_look *look)
{
	cli_table_add(table, CLI_STRONG, "%s", cli_text(map, "name"));
	cli_table_add(table, CLI_PLAIN, "%s", cli_text(map, "type"));
	add_sharing(table, map, look);
}

static void add_maps(const struct cli_look *look, const json_t *info, struct iov_buf *out)
{
	static const struct cli_column columns[] = {{.title = "MAP"}, {.title = "TYPE"}, {.title = "SHARED"}};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *map;
	json_array_foreach(json_object_get(info, "maps"), i, map) {
		if (!strchr(cli_text(map, "name"), '.')) /* the globals are the author's affair */
			add_map(&table, map, look);
	}
	print_table(&table, look, out);
}

static void add_params(const struct cli_look *look, const json_t *info, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "PARAMETER"}, {.title = "TYPE"}, {.title = "DEFAULT"}, {.title = "SUMMARY", .shrinks = true}};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *param;
	json_array_foreach(json_object_get(info, "params"), i, param) {
		const char *value = cli_text(param, "default");
		cli_table_add(&table, CLI_STRONG, "%s", cli_text(param, "name"));
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(param, "type"));
		if (cli_true(param, "required"))
			cli_table_add(&table, CLI_CAUTION, "required");
		else
			cli_table_add(&table, CLI_PLAIN, "%s", *value ? value : cli_dash(look));
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(param, "summary"));
	}
	print_table(&table, look, out);
}

static void add_dependencies(struct cli_table *table, const json_t *release, const struct cli_look *look)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const char *name;
	json_t *requirement;
	json_object_foreach(json_object_get(release, "dependencies"), name, requirement) {
		iov_buf_printf(&text, "%s%s %s", text.len ? ", " : "", name,
			       json_is_string(requirement) ? json_string_value(requirement) : "");
	}
	cli_table_add(table, CLI_PLAIN, "%s", text.len ? text.data : cli_dash(look));
}

static void add_standing(struct cli_table *table, const json_t *release)
{
	const char *yanked = cli_text(release, "yanked"), *deprecated = cli_text(release, "deprecated");
	const char *successor = cli_text(release, "successor");
	if (*yanked)
		cli_table_add(table, CLI_BAD, "yanked: %s", yanked);
	else if (*deprecated)
		cli_table_add(table, CLI_CAUTION, "deprecated: %s%s%s", deprecated, *successor ? "; use " : "",
			      successor);
	else
		cli_table_add(table, CLI_PLAIN, "%s", "");
}

static void add_release(struct cli_table *table, const json_t *release, const struct cli_look *look)
{
	iov_auto(iov_buf_release) struct iov_buf size = {0};
	const char *yanked = cli_text(release, "yanked");
	cli_add_size(&size, cli_uint(release, "size"));
	cli_table_add(table, *yanked ? CLI_FAINT : CLI_STRONG, "%s", cli_text(release, "version"));
	cli_table_add(table, CLI_PLAIN, "%.10s", cli_text(release, "published"));
	cli_table_add(table, CLI_PLAIN, "%s", size.data);
	add_dependencies(table, release, look);
	add_standing(table, release);
}

static void add_releases(const struct cli_look *look, const json_t *info, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "RELEASE"},
		{.title = "PUBLISHED"},
		{.title = "SIZE", .right = true},
		{.title = "NEEDS", .shrinks = true},
		{.title = "", .shrinks = true},
	};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *release;
	json_array_foreach(json_object_get(info, "releases"), i, release) {
		add_release(&table, release, look);
	}
	print_table(&table, look, out);
}

static void show(const struct cli_look *look, const json_t *info, struct iov_buf *out)
{
	add_head(info, out);
	add_params(look, info, out);
	add_programs(look, info, out);
	add_maps(look, info, out);
	add_releases(look, info, out);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_info(cli->ctx, cli_word(cli, 0), &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_info = {
	.name = "info",
	.full = "info",
	.group = CLI_GROUP_LOOK,
	.summary = "show a module: parameters, programs, maps, releases",
	.description = "Shows what a module is and has: the parameters that '--set' takes, its programs and the "
		       "sections that they "
		       "attach to, its maps and who may share them, and every release with what it needs.",
	.arguments = arguments,
	.examples = examples,
	.run = run,
};
