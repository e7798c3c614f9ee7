#include "cli/cli.h"
#include "cli/json.h"
#include "cli/render.h"
#include "cli/show.h"

static const struct cli_argument new_name[] = {
	{"NAME", "what the key pair shall be called", 1, 1, CLI_NAMES_NONE},
	{0},
};
static const struct cli_argument name[] = {
	{"NAME", "a key pair that 'iovpkg key list' shows", 1, 1, CLI_NAMES_KEYS},
	{0},
};
static const struct cli_argument file[] = {
	{"FILE", "a prepared root, release or statement", 1, 1, CLI_NAMES_FILES},
	{0},
};

static const struct cli_option plain_options[] = {CLI_OPTION_PLAIN, {0}};
static const struct cli_option change_options[] = {
	{.name = "plain",
	 .help = "take the passphrase away: whoever has the file can sign",
	 .to = offsetof(struct cli_values, plain)},
	{0},
};
static const struct cli_option sign_options[] = {CLI_OPTION_KEY("by default the only one here"), {0}};

static const struct cli_example generate_examples[] = {
	{"iovpkg key generate work", "a key pair to publish with; the line printed is for the registry's owner"},
	{"iovpkg key generate registry --plain", "a key that a host signs with while nobody is there"},
	{0},
};
static const struct cli_example sign_examples[] = {
	{"iovpkg key sign flow-top.note --key work", "one more signature on a release that needs several"},
	{0},
};

static void show_verifier(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "%s", cli_text(answer, "verifier"));
}

static int run_generate(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_key_generate(cli->ctx, cli_word(cli, 0), cli_flags(&cli->values), &json);
	return cli_report(cli, rc, json, show_verifier);
}

static int run_show(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_key_show(cli->ctx, cli_word(cli, 0), &json);
	return cli_answer(cli, rc, json, show_verifier);
}

static void show_list(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	static const struct cli_column columns[] = {
		{.title = "NAME"},
		{.title = "PASSPHRASE"},
		{.title = "VERIFIER", .shrinks = true},
	};
	struct cli_table table = {.columns = columns, .n_columns = IOV_COUNT(columns)};
	size_t i;
	json_t *key;
	json_array_foreach(json_object_get(answer, "keys"), i, key) {
		bool encrypted = cli_true(key, "encrypted");
		cli_table_add(&table, CLI_STRONG, "%s", cli_text(key, "name"));
		cli_table_add(&table, encrypted ? CLI_PLAIN : CLI_BAD, "%s", encrypted ? "yes" : "no");
		cli_table_add(&table, CLI_FAINT, "%s", cli_text(key, "verifier"));
	}
	if (table.n_cells)
		cli_table_print(&table, look, out);
	else
		iov_buf_puts(out, "There is no key pair. 'iovpkg key generate NAME' makes one.\n");
	cli_table_release(&table);
}

static int run_list(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_key_list(cli->ctx, &json);
	return cli_answer(cli, rc, json, show_list);
}

static void show_passphrase(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, cli_true(answer, "encrypted") ? "key %s has a new passphrase" : "key %s has no passphrase",
		      cli_text(answer, "name"));
}

static int run_passphrase(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_key_passphrase(cli->ctx, cli_word(cli, 0), cli_flags(&cli->values), &json);
	return cli_report(cli, rc, json, show_passphrase);
}

static void show_signed(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "%s %s with %s; it has %llu signature%s now", cli_text(answer, "subject"),
		      cli_true(answer, "again") ? "was signed before" : "is signed", cli_text(answer, "key"),
		      (unsigned long long)cli_uint(answer, "signatures"),
		      cli_uint(answer, "signatures") == 1 ? "" : "s");
}

static int run_sign(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_key_sign(cli->ctx, cli_word(cli, 0), cli->values.key, &json);
	return cli_report(cli, rc, json, show_signed);
}

static void show_revoked(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	size_t i;
	json_t *todo;
	cli_show_line(out, "key %s signs nothing any more; its file is %s", cli_text(answer, "name"),
		      cli_text(answer, "path"));
	cli_show_line(out, "verifier %s", cli_text(answer, "verifier"));
	json_array_foreach(json_object_get(answer, "named_by"), i, todo) {
		cli_show_line(out, "registry %s names it as %s: there, run '%s'", cli_text(todo, "registry"),
			      cli_text(todo, "role"), cli_text(todo, "command"));
	}
}

static int run_revoke(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_key_revoke(cli->ctx, cli_word(cli, 0), &json);
	return cli_report(cli, rc, json, show_revoked);
}

static const struct cli_command generate = {
	.name = "generate",
	.full = "key generate",
	.summary = "make a key pair",
	.description = "Makes an Ed25519 key pair and prints its verifier key, which the registry's owner needs to let "
		       "you publish. The secret half never leaves this host, and is encrypted with a passphrase that "
		       "is asked for twice.",
	.arguments = new_name,
	.options = plain_options,
	.examples = generate_examples,
	.run = run_generate,
};

static const struct cli_command list = {
	.name = "list",
	.full = "key list",
	.summary = "list the key pairs of this host",
	.description = "Lists the key pairs, whether a passphrase protects each, and their verifier keys.",
	.run = run_list,
};

static const struct cli_command show = {
	.name = "show",
	.full = "key show",
	.summary = "print a verifier key",
	.description = "Prints the verifier key of a key pair: the half that others may know.",
	.arguments = name,
	.run = run_show,
};

static const struct cli_command passphrase = {
	.name = "passphrase",
	.full = "key passphrase",
	.summary = "change the passphrase of a key pair",
	.description = "Asks for the passphrase of the key pair, and for a new one. The key stays the same; copies of "
		       "its old file still open with the old passphrase.",
	.arguments = name,
	.options = change_options,
	.run = run_passphrase,
};

static const struct cli_command sign = {
	.name = "sign",
	.full = "key sign",
	.summary = "add a signature to a prepared document",
	.description =
		"Adds the signature of a key to a root, a release or a statement that was prepared for several "
		"signatures, in its file. Carry the file from one machine to the next; none of them needs a network. "
		"Signing twice with one key adds nothing.",
	.arguments = file,
	.options = sign_options,
	.examples = sign_examples,
	.run = run_sign,
};

static const struct cli_command revoke_key = {
	.name = "revoke",
	.full = "key revoke",
	.summary = "take a key pair out of use",
	.description = "Takes a key pair out of use on this host, and tells which of the registries known here name "
		       "it and what their owners have to run. Only that stops others who have a copy of it. The file "
		       "is kept as NAME.revoked, since a key that is replaced may have to sign its replacement.",
	.arguments = name,
	.run = run_revoke,
};

static const struct cli_command *const children[] = {&generate, &list, &show, &passphrase, &sign, &revoke_key, NULL};

const struct cli_command cli_cmd_key = {
	.name = "key",
	.full = "key",
	.group = CLI_GROUP_REGISTRY,
	.summary = "make, show and use key pairs",
	.description = "Key pairs sign releases and registries.",
	.children = children,
};
