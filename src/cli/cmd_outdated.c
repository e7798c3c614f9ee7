#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"
#include "cli/show.h"

static const struct cli_option options[] = {CLI_OPTION_MIN_AGE, {0}};

static const struct cli_example examples[] = {
	{"iovpkg outdated", "what an upgrade would bring, and what it would not, and why"},
	{"iovpkg outdated --json | jq -r '.modules[].name'", "the names alone"},
	{0},
};

static void add_row(struct cli_table *table, const json_t *module)
{
	const char *installed = cli_text(module, "installed"), *fits = cli_text(module, "fits");
	const char *newest = cli_text(module, "newest");
	cli_table_add(table, CLI_STRONG, "%s", cli_text(module, "name"));
	cli_table_add(table, CLI_PLAIN, "%s", installed);
	cli_table_add(table, strcmp(installed, fits) ? CLI_GOOD : CLI_PLAIN, "%s", fits);
	cli_table_add(table, strcmp(fits, newest) ? CLI_CAUTION : CLI_GOOD, "%s", newest);
}

static void add_reasons(const json_t *module, struct iov_buf *out)
{
	size_t i;
	json_t *reason;
	json_array_foreach(json_object_get(module, "held_by"), i, reason)
		cli_show_line(out, "%s%s %s%s", i ? "  " : "", i ? "and" : cli_text(module, "name"),
			      i ? "" : "is held back: ", json_string_value(reason));
}

static void add_standing(const json_t *module, struct iov_buf *out)
{
	const char *name = cli_text(module, "name"), *installed = cli_text(module, "installed");
	const char *yanked = cli_text(module, "yanked"), *deprecated = cli_text(module, "deprecated");
	const char *successor = cli_text(module, "successor");
	if (*yanked)
		cli_show_line(out, "%s %s is yanked: %s", name, installed, yanked);
	if (*deprecated)
		cli_show_line(out, "%s %s is deprecated: %s%s%s%s", name, installed, deprecated,
			      *successor ? "; use " : "", successor, *successor ? " instead" : "");
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "MODULE"}, {.title = "INSTALLED"}, {.title = "FITS"}, {.title = "NEWEST"}};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	iov_auto(iov_buf_release) struct iov_buf reasons = {0};
	const json_t *modules = json_object_get(answer, "modules");
	size_t i;
	json_t *module;
	json_array_foreach(modules, i, module) {
		add_row(&table, module);
		add_reasons(module, &reasons);
		add_standing(module, &reasons);
	}
	if (json_array_size(modules))
		cli_table_print(&table, look, out);
	else
		iov_buf_puts(out, "Everything that is installed is the newest there is.\n");
	cli_table_release(&table);
	if (reasons.len)
		iov_buf_printf(out, "\n%s", reasons.data);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_outdated(cli->ctx, &json);
	return cli_answer(cli, rc, json, show);
}

const struct cli_command cli_cmd_outdated = {
	.name = "outdated",
	.full = "outdated",
	.group = CLI_GROUP_LOOK,
	.summary = "list modules that have newer releases",
	.description =
		"Lists the installed modules of which there are newer releases: the version that is installed, the "
		"one that 'iovpkg upgrade' would bring, and the newest of all. Where the newest would not come, the "
		"facts that stand against it follow: what was asked for, what other modules need, a pin. Installed "
		"releases "
		"that were yanked or deprecated since are listed too, with the reason and the module to use instead.",
	.options = options,
	.examples = examples,
	.run = run,
};
