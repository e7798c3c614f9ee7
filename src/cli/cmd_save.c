#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"

static const struct cli_example examples[] = {
	{"iovpkg save", "save all maps that must survive a reboot, as the systemd units do"},
	{0},
};

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	static const struct cli_column columns[] = {{.title = "INSTANCE"},
						    {.title = "MAP"},
						    {.title = "ENTRIES", .right = true},
						    {.title = "FILE", .shrinks = true}};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *map, *maps = json_object_get(answer, "maps");
	json_array_foreach(maps, i, map) {
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(map, "instance"));
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(map, "map"));
		cli_table_add(&table, CLI_PLAIN, "%llu", (unsigned long long)cli_uint(map, "entries"));
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(map, "file"));
	}
	if (json_array_size(maps))
		cli_table_print(&table, look, out);
	else
		iov_buf_puts(out, "nothing to save: no map of what runs is named under 'persist'\n");
	cli_table_release(&table);
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_save(cli->ctx, &json);
	return cli_report(cli, rc, json, show);
}

const struct cli_command cli_cmd_save = {
	.name = "save",
	.full = "save",
	.group = CLI_GROUP_HOST,
	.summary = "save the maps that must survive a reboot",
	.description = "Writes the entries of every map that a manifest names under 'persist' to files, from which "
		       "'iovpkg restore' fills them after a boot. Programs go on counting meanwhile: what they change "
		       "after a map was read is not in its file.",
	.examples = examples,
	.run = run,
};
