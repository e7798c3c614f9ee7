#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"
#include "cli/show.h"

/* ---- those that this host reads ---- */

static const struct cli_argument name_and_url[] = {
	{"NAME", "what this host calls the registry", 1, 1, CLI_NAMES_NONE},
	{"URL", "where its repository is: https://, ssh://, file:// or a path; or sparse+https:// for static files", 1,
	 1, CLI_NAMES_FOLDERS},
	{0},
};
static const struct cli_argument name[] = {
	{"NAME", "a registry that 'iovpkg registry list' shows", 1, 1, CLI_NAMES_REGISTRIES},
	{0},
};
static const struct cli_argument any_name[] = {
	{"NAME", "a registry; by default every one", 0, 1, CLI_NAMES_REGISTRIES},
	{0},
};

static const struct cli_option add_options[] = {
	{.name = "fingerprint",
	 .kind = CLI_TEXT,
	 .value = "HEX",
	 .help = "the SHA-256 of its root, as its owner tells it; nothing is asked then",
	 .to = offsetof(struct cli_values, fingerprint)},
	{.name = "witness",
	 .kind = CLI_LIST,
	 .value = "KEY",
	 .help = "a witness whose cosignature counts; may be given again",
	 .to = offsetof(struct cli_values, witness_keys)},
	{.name = "witnesses",
	 .kind = CLI_NUMBER,
	 .value = "N",
	 .help = "how many of them must have cosigned what this host takes; by default all",
	 .max = 16,
	 .to = offsetof(struct cli_values, witnesses)},
	{0},
};

static const struct cli_example add_examples[] = {
	{"iovpkg registry add main https://example.org/modules.git",
	 "shows the fingerprint and asks whether to trust it"},
	{0},
};

static void show_add(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "added registry %s", cli_text(answer, "name"));
	cli_show_line(out, "fingerprint %s", cli_text(answer, "fingerprint"));
}

static int run_add(struct cli *cli)
{
	char *json = NULL;
	const struct cli_list *keys = &cli->values.witness_keys;
	uint64_t witnesses = cli->values.witnesses ? cli->values.witnesses : keys->count;
	int rc = iov_registry_add_witnessed(cli->ctx, cli_word(cli, 0), cli_word(cli, 1), cli->values.fingerprint,
					    keys->items, keys->count, witnesses, &json);
	return cli_report(cli, rc, json, show_add);
}

static int run_rm(struct cli *cli)
{
	int rc = iov_registry_remove(cli->ctx, cli_word(cli, 0));
	iov_auto(cli_json_release) json_t *removed = json_pack("{s:s}", "removed", cli_word(cli, 0));
	char *json = rc || !removed ? NULL : json_dumps(removed, JSON_COMPACT);
	return cli_report(cli, rc, json, NULL);
}

static void show_list(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "NAME"},	 {.title = "HEAD", .right = true},  {.title = "GOOD UNTIL"},
		{.title = "CREDENTIAL"}, {.title = "URL", .shrinks = true}, {.title = "FINGERPRINT", .shrinks = true},
	};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *registry;
	json_array_foreach(json_object_get(answer, "registries"), i, registry) {
		cli_table_add(&table, CLI_STRONG, "%s", cli_text(registry, "name"));
		cli_table_add(&table, CLI_PLAIN, "%llu", (unsigned long long)cli_uint(registry, "head_version"));
		cli_table_add(&table, cli_true(registry, "expired") ? CLI_BAD : CLI_PLAIN, "%.10s",
			      cli_text(registry, "expires"));
		const json_t *credentials = json_object_get(registry, "credentials");
		cli_table_add(&table, CLI_PLAIN, "%s",
			      json_is_object(credentials) ? cli_text(credentials, "kind") : "none");
		cli_table_add(&table, CLI_PLAIN, "%s", cli_text(registry, "url"));
		cli_table_add(&table, CLI_FAINT, "%s", cli_text(registry, "fingerprint"));
	}
	if (table.n_cells)
		cli_table_print(&table, look, out);
	else
		iov_buf_puts(out, "No registry is known. 'iovpkg registry add NAME URL' adds one.\n");
	cli_table_release(&table);
}

static int run_list(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_list(cli->ctx, &json);
	return cli_answer(cli, rc, json, show_list);
}

static void show_update(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	size_t i;
	json_t *registry;
	json_array_foreach(json_object_get(answer, "registries"), i, registry) {
		cli_show_line(out, "%s: %s head %llu", cli_text(registry, "name"),
			      cli_true(registry, "changed") ? "now at" : "still at",
			      (unsigned long long)cli_uint(registry, "head_version"));
	}
}

static int run_update(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_update(cli->ctx, cli_word(cli, 0), &json);
	return cli_report(cli, rc, json, show_update);
}

/* ---- those that this host keeps ---- */

static const struct cli_argument new_path[] = {
	{"PATH", "where to make the repository", 1, 1, CLI_NAMES_FOLDERS},
	{0},
};
static const struct cli_option init_options[] = {
	{.name = "origin",
	 .kind = CLI_TEXT,
	 .value = "ORIGIN",
	 .help = "its name in signatures and log: example.org/modules (needed)",
	 .to = offsetof(struct cli_values, origin)},
	CLI_OPTION_KEY("made where it is missing; by default the one named 'registry'"),
	CLI_OPTION_PLAIN,
	{.name = "hook",
	 .help = "judge what is pushed into it at once: git's hook proc-receive; nothing else can be pushed then",
	 .to = offsetof(struct cli_values, hook)},
	{.name = "publisher",
	 .kind = CLI_LIST,
	 .value = "PATTERN=KEY",
	 .help = "let this key publish the modules whose names match; may be given again",
	 .to = offsetof(struct cli_values, publishers)},
	{0},
};
static const struct cli_example init_examples[] = {
	{"iovpkg registry init /srv/modules.git --origin example.org/modules",
	 "a registry signed with the key 'registry'"},
	{"iovpkg registry init /srv/git/modules.git --origin example.org/modules --key /srv/git/modules.key --hook",
	 "the same on a git server, where a push is judged before it ends"},
	{0},
};

static void show_init(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "made registry %s at %s", cli_text(answer, "origin"), cli_text(answer, "path"));
	cli_show_line(out, "key %s", cli_text(answer, "key"));
	cli_show_line(out, "fingerprint %s", cli_text(answer, "fingerprint"));
}

static int run_init(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	char *json = NULL;
	if (!values->origin)
		return cli_fail(cli, IOV_E_USAGE,
				"'registry init' needs '--origin ORIGIN', the name that signatures and log carry");
	int rc =
		iov_registry_init(cli->ctx, cli_word(cli, 0), values->origin, cli->values.key, values->publishers.items,
				  values->publishers.count, cli_flags(values) | (values->hook ? IOV_HOOK : 0), &json);
	return cli_report(cli, rc, json, show_init);
}

/* ---- the family ---- */

static const struct cli_command add = {
	.name = "add",
	.full = "registry add",
	.summary = "trust a registry and read it from now on",
	.description =
		"Reads the registry's root and pins it: from then on only what its keys sign is taken. Without "
		"--fingerprint the "
		"root's fingerprint is shown and you are asked; where nobody can be asked, give it, or --yes. "
		"Where the server asks for a password, token or key, /etc/iovpkg/credentials.yaml names the file, "
		"variable or helper that has it; a URL with a secret in it is refused.",
	.arguments = name_and_url,
	.options = add_options,
	.examples = add_examples,
	.run = run_add,
};

static const struct cli_command rm = {
	.name = "rm",
	.full = "registry rm",
	.summary = "forget a registry and its pinned root",
	.description = "Takes the registry out of this host's list. What was installed from it stays.",
	.arguments = name,
	.run = run_rm,
};

static const struct cli_command list = {
	.name = "list",
	.full = "registry list",
	.summary = "list the registries that this host reads",
	.description = "Lists name, address, the fingerprint of the pinned root, the highest head seen and until when "
		       "it is good, and what kind of source in credentials.yaml or netrc has the credential for it.",
	.run = run_list,
};

static const struct cli_command update = {
	.name = "update",
	.full = "registry update",
	.summary = "fetch the newest head and index",
	.description =
		"Fetches and checks the newest head of a registry. Commands that need the index do this themselves.",
	.arguments = any_name,
	.run = run_update,
};

static const struct cli_command init = {
	.name = "init",
	.full = "registry init",
	.summary = "make a registry: a bare git repository",
	.description =
		"Makes a bare git repository with a first root, head and log, signed with a key pair that is made "
		"where it does "
		"not exist yet. The fingerprint that is printed is what others compare when they add the registry.",
	.arguments = new_path,
	.options = init_options,
	.examples = init_examples,
	.run = run_init,
};

static const struct cli_command *const children[] = {
	&add,
	&rm,
	&list,
	&update,
	&init,
	&cli_cmd_registry_accept,
	&cli_cmd_registry_refresh,
	&cli_cmd_registry_serve,
	&cli_cmd_registry_root,
	&cli_cmd_registry_grant,
	&cli_cmd_registry_revoke,
	&cli_cmd_registry_audit,
	&cli_cmd_registry_compare,
	&cli_cmd_registry_witness,
	&cli_cmd_registry_cosigned,
	NULL,
};

const struct cli_command cli_cmd_registry = {
	.name = "registry",
	.full = "registry",
	.group = CLI_GROUP_REGISTRY,
	.summary = "read registries, or keep one",
	.description = "A registry is a git repository with signed releases. A host reads any number of them, each "
		       "pinned by its root; "
		       "anyone can make and keep one.",
	.children = children,
};
