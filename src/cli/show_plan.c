#include "cli/show_plan.h"

#include <string.h>

#include "cli/json.h"
#include "cli/render.h"

/* The words of the document, as a command and as a report. */
static const struct {
	const char *change, *doing, *done;
	enum cli_style style;
} verbs[] = {
	{"install", "install", "installed", CLI_GOOD},
	{"upgrade", "upgrade", "upgraded", CLI_GOOD},
	{"downgrade", "downgrade", "downgraded", CLI_CAUTION},
	{"remove", "remove", "removed", CLI_CAUTION},
	{"load", "load", "loaded", CLI_GOOD},
	{"replace", "replace", "replaced", CLI_GOOD},
	{"unload", "unload", "unloaded", CLI_CAUTION},
};

/* One plan on its way into a table of three columns: verb, name, what about it. */
struct view {
	const struct cli_look *look;
	struct cli_table table;
	bool done;
};

static void add_verb(struct view *view, const char *change)
{
	for (size_t i = 0; i < IOV_COUNT(verbs); i++) {
		if (!strcmp(verbs[i].change, change)) {
			cli_table_add(&view->table, verbs[i].style, "%s", view->done ? verbs[i].done : verbs[i].doing);
			return;
		}
	}
	cli_table_add(&view->table, CLI_PLAIN, "%s", change);
}

static void add_names(struct iov_buf *out, const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name) {
		iov_buf_printf(out, "%s%s", i ? ", " : "", json_is_string(name) ? json_string_value(name) : "?");
	}
}

static void add_versions(struct view *view, const json_t *release)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const char *from = cli_text(release, "from"), *to = cli_text(release, "to");
	if (*from && *to)
		iov_buf_printf(&text, "%s %s %s", from, cli_arrow(view->look), to);
	else
		iov_buf_puts(&text, *to ? to : from);
	if (json_array_size(json_object_get(release, "needed_by"))) {
		iov_buf_puts(&text, " (needed by ");
		add_names(&text, json_object_get(release, "needed_by"));
		iov_buf_puts(&text, ")");
	}
	cli_table_add(&view->table, CLI_PLAIN, "%s", text.data);
}

static void add_release(struct view *view, const json_t *release)
{
	add_verb(view, cli_text(release, "change"));
	cli_table_add(&view->table, CLI_PLAIN, "%s", cli_text(release, "module"));
	add_versions(view, release);
}

/* What its events will see. */
static const char *moves_text(const struct view *view, const json_t *hook)
{
	static const char *const texts[][2] = {
		{"store", ", with all others in one step"},
		{"replace", ", by itself in one step"},
		{"twice", ", events may be seen twice for a moment"},
	};
	const char *moves = cli_text(hook, "moves");
	for (size_t i = 0; !view->done && i < IOV_COUNT(texts); i++)
		if (!strcmp(texts[i][0], moves))
			return texts[i][1];
	return "";
}

/* "count_in at tcx/ingress veth0"; an unload's hooks all go, so they need no words. */
static void add_hook(struct view *view, const json_t *hook, bool first)
{
	const char *change = cli_text(hook, "change");
	const char *gone = !strcmp(change, "unload") ? " (goes)" : "";
	if (!first) {
		cli_table_add(&view->table, CLI_PLAIN, "%s", "");
		cli_table_add(&view->table, CLI_PLAIN, "%s", "");
	}
	const char *target = cli_text(hook, "target");
	cli_table_add(&view->table, CLI_PLAIN, "%s at %s%s%s%s%s", cli_text(hook, "program"), cli_text(hook, "section"),
		      *target ? " " : "", target, gone, moves_text(view, hook));
}

static void add_line(struct view *view, const char *text)
{
	cli_table_add(&view->table, CLI_PLAIN, "%s", "");
	cli_table_add(&view->table, CLI_PLAIN, "%s", "");
	cli_table_add(&view->table, CLI_PLAIN, "%s", text);
}

/* Maps that go on as they are need no words. */
static void add_map(struct view *view, const json_t *map)
{
	const char *change = cli_text(map, "change");
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t i;
	json_t *loss;
	if (!strcmp(change, "keep"))
		return;
	iov_buf_printf(&text, "map %s %s", cli_text(map, "map"),
		       !strcmp(change, "migrate") ? "moves to its new layout" : "starts empty");
	json_array_foreach(json_object_get(map, "losses"), i, loss) {
		iov_buf_printf(&text, "%s %s", i ? "," : ":", json_is_string(loss) ? json_string_value(loss) : "?");
	}
	add_line(view, text.data ? text.data : "");
}

/* What the switch will have to prove; a report is only written when it has. */
static void add_checks(struct view *view, const json_t *checks)
{
	size_t i;
	json_t *check;
	json_array_foreach(view->done ? NULL : checks, i, check) {
		iov_auto(iov_buf_release) struct iov_buf text = {0};
		iov_buf_printf(&text, "healthy if %s", json_is_string(check) ? json_string_value(check) : "?");
		add_line(view, text.data ? text.data : "");
	}
}

/* Groups of programs that the kernel does not take; why has been told, and `status` tells it. */
static void add_passed_over(struct view *view, const json_t *choice)
{
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(choice, "passed_over"), i, group) {
		iov_auto(iov_buf_release) struct iov_buf text = {0};
		iov_buf_puts(&text, "in place of ");
		add_names(&text, json_object_get(group, "programs"));
		add_line(view, text.data ? text.data : "");
	}
}

/* Which maps come from where, as far as that is new. */
static void add_imports(struct view *view, const json_t *imports)
{
	size_t i;
	json_t *import;
	json_array_foreach(imports, i, import) {
		const char *from = cli_text(import, "from"), *was = cli_text(import, "was");
		if (!strcmp(from, was))
			continue;
		cli_table_add(&view->table, CLI_PLAIN, "%s", "");
		cli_table_add(&view->table, CLI_PLAIN, "%s", "");
		cli_table_add(&view->table, CLI_PLAIN, "map %s of %s%s%s%s", cli_text(import, "map"), from,
			      *was ? " (was of " : "", was, *was ? ")" : "");
	}
}

static void add_instance(struct view *view, const json_t *instance)
{
	size_t i;
	json_t *hook, *map, *hooks = json_object_get(instance, "hooks");
	const char *change = cli_text(instance, "change");
	if (!strcmp(change, "keep"))
		return;
	add_verb(view, change);
	cli_table_add(&view->table, CLI_PLAIN, "%s", cli_text(instance, "instance"));
	if (!strcmp(change, "unload") || !json_array_size(hooks)) {
		cli_table_add(&view->table, CLI_PLAIN, "%s", "");
	} else {
		json_array_foreach(hooks, i, hook) {
			add_hook(view, hook, i == 0);
		}
	}
	if (strcmp(change, "unload") != 0)
		add_passed_over(view, json_object_get(instance, "choice"));
	add_imports(view, json_object_get(instance, "imports"));
	json_array_foreach(json_object_get(instance, "maps"), i, map) {
		add_map(view, map);
	}
	add_checks(view, json_object_get(instance, "health"));
}

static void show(const struct cli_look *look, const json_t *plan, bool done, struct iov_buf *out)
{
	static const struct cli_column columns[] = {{0}, {0}, {.shrinks = true}};
	struct view view = {.look = look, .table = {.columns = columns, .n_columns = IOV_COUNT(columns)}, .done = done};
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(plan, "releases"), i, row) {
		add_release(&view, row);
	}
	json_array_foreach(json_object_get(plan, "instances"), i, row) {
		add_instance(&view, row);
	}
	cli_table_print(&view.table, look, out);
	cli_table_release(&view.table);
}

void cli_show_plan(const struct cli_look *look, const json_t *plan, struct iov_buf *out)
{
	if (cli_true(plan, "changed"))
		show(look, plan, false, out);
	else
		iov_buf_puts(out, "nothing to do\n");
}

void cli_show_result(const struct cli_look *look, const json_t *plan, struct iov_buf *out)
{
	if (!cli_true(plan, "changed")) {
		iov_buf_puts(out, "nothing to do: everything is as asked\n");
		return;
	}
	show(look, plan, true, out);
	iov_buf_printf(out, "generation %llu\n", (unsigned long long)cli_uint(plan, "to"));
}

int cli_answer_plan(struct cli *cli, int rc, char *json)
{
	if (cli->values.dry_run)
		return cli_answer(cli, rc, json, cli_show_plan);
	return cli_report(cli, rc, json, cli_show_result);
}
