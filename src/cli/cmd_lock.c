#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"
#include "cli/show.h"

static const struct cli_argument arguments[] = {
	{"MANIFEST", "a host manifest: host.yaml gets its lock in host.lock.json", 1, 1, CLI_NAMES_FILES},
	{0},
};

static const struct cli_option options[] = {
	{.name = "upgrade",
	 .help = "lock the newest that fits; without it what is locked already stays where it fits",
	 .to = offsetof(struct cli_values, renew)},
	{.name = "facts",
	 .kind = CLI_LIST,
	 .completes = CLI_NAMES_FILES,
	 .value = "FILE.json",
	 .help = "lock only what this kernel loads: what 'iovpkg facts' said on a host, its types beside it as "
		 "FILE.btf; "
		 "may be given again",
	 .to = offsetof(struct cli_values, facts)},
	CLI_OPTION_MIN_AGE,
	CLI_OPTION_DRY_RUN,
	{0},
};

static const struct cli_example examples[] = {
	{"iovpkg lock host.yaml", "write host.lock.json, or bring it up to the manifest"},
	{"iovpkg lock host.yaml --upgrade --min-age 7d", "newer releases, that have been out for a week"},
	{"iovpkg lock host.yaml --facts 6.1.json --facts 6.12.json", "for a fleet with these two kernels"},
	{0},
};

static void add_change(struct cli_table *table, const struct cli_look *look, const json_t *change)
{
	const char *from = cli_text(change, "from"), *to = cli_text(change, "to");
	cli_table_add(table, CLI_PLAIN, "%s", cli_text(change, "change"));
	cli_table_add(table, CLI_STRONG, "%s", cli_text(change, "module"));
	cli_table_add(table, CLI_PLAIN, "%s%s%s%s%s", from, *from && *to ? " " : "",
		      *from && *to ? cli_arrow(look) : "", *from && *to ? " " : "", to);
}

static void show(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	static const struct cli_column columns[] = {{0}, {0}, {0}};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *change;
	json_array_foreach(json_object_get(answer, "releases"), i, change)
		add_change(&table, look, change);
	if (table.n_cells)
		cli_table_print(&table, look, out);
	cli_table_release(&table);
	cli_show_line(out, "%s: %llu releases%s", cli_text(answer, "lock"),
		      (unsigned long long)cli_uint(answer, "count"), cli_true(answer, "changed") ? "" : ", as before");
}

static int run(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_lock(cli->ctx, cli_word(cli, 0), cli->values.facts.items, cli->values.facts.count,
			  cli_flags(&cli->values), &json);
	return cli->values.dry_run ? cli_answer(cli, rc, json, show) : cli_report(cli, rc, json, show);
}

const struct cli_command cli_cmd_lock = {
	.name = "lock",
	.full = "lock",
	.group = CLI_GROUP_HOST,
	.summary = "write the lock of a host manifest",
	.description = "Chooses the releases that a host with this manifest would get, and writes them with their "
		       "digests into a "
		       "lock beside it, which 'iovpkg apply --locked' installs exactly, and with proofs that they are "
		       "what their registries have published. Nothing is fetched but the "
		       "index and, for the proofs, what the log has of them, nothing is "
		       "installed, and no kernel is asked but those of --facts, so this works on any machine.\n\n"
		       "The registries that the manifest names are trusted by the fingerprints in it, from then on, on "
		       "the machine "
		       "that writes the lock too (below --root DIR, where that is given).",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
