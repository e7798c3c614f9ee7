#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument new_name[] = {
	{"NAME", "what the key pair shall be called", 1, 1, CLI_NAMES_NONE},
	{0},
};
static const struct cli_argument name[] = {
	{"NAME", "a key pair that 'iovpkg key list' shows", 1, 1, CLI_NAMES_KEYS},
	{0},
};

static const struct cli_example generate_examples[] = {
	{"iovpkg key generate work", "a key pair to publish with; the line printed is for the registry's owner"},
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
	int rc = iov_key_generate(cli->ctx, cli_word(cli, 0), &json);
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
	(void)look;
	size_t i;
	json_t *key, *keys = json_object_get(answer, "keys");
	json_array_foreach(keys, i, key) {
		cli_show_line(out, "%s", json_is_string(key) ? json_string_value(key) : "?");
	}
	if (!json_array_size(keys))
		iov_buf_puts(out, "There is no key pair. 'iovpkg key generate NAME' makes one.\n");
}

static int run_list(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_key_list(cli->ctx, &json);
	return cli_answer(cli, rc, json, show_list);
}

static const struct cli_command generate = {
	.name = "generate",
	.full = "key generate",
	.summary = "make a key pair",
	.description = "Makes an Ed25519 key pair and prints its verifier key, which the registry's owner needs to let "
		       "you publish. The "
		       "secret half never leaves this host.",
	.arguments = new_name,
	.examples = generate_examples,
	.run = run_generate,
};

static const struct cli_command list = {
	.name = "list",
	.full = "key list",
	.summary = "list the key pairs of this host",
	.description = "Lists the names of the key pairs.",
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

static const struct cli_command *const children[] = {&generate, &list, &show, NULL};

const struct cli_command cli_cmd_key = {
	.name = "key",
	.full = "key",
	.group = CLI_GROUP_REGISTRY,
	.summary = "make and show key pairs",
	.description = "Key pairs sign releases and registries.",
	.children = children,
};
