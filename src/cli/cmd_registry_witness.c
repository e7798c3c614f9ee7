#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"

static const struct cli_argument name[] = {
	{"NAME", "a registry that 'iovpkg registry list' shows", 1, 1, CLI_NAMES_REGISTRIES},
	{0},
};
static const struct cli_argument path_and_file[] = {
	{"PATH", "the registry's bare repository", 1, 1, CLI_NAMES_FOLDERS},
	{"FILE", "a cosigned checkpoint", 1, 1, CLI_NAMES_FILES},
	{0},
};

static const struct cli_option witness_options[] = {
	CLI_OPTION_KEY("by default the only one here"),
	{.name = "output",
	 .letter = 'o',
	 .kind = CLI_TEXT,
	 .completes = CLI_NAMES_FILES,
	 .value = "FILE",
	 .help = "where the cosigned checkpoint goes; by default NAME.checkpoint",
	 .to = offsetof(struct cli_values, output)},
	{0},
};

static const struct cli_example witness_examples[] = {
	{"iovpkg registry witness main --key witness -o /srv/www/main.checkpoint", "from a timer, each minute"},
	{0},
};
static const struct cli_example cosigned_examples[] = {
	{"iovpkg registry cosigned /srv/modules.git main.checkpoint", "what a witness made, for every client to see"},
	{0},
};

static void show_witness(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "cosigned %s at %llu entries: %s", cli_text(answer, "registry"),
		      (unsigned long long)cli_uint(answer, "size"), cli_text(answer, "output"));
	cli_show_line(out, "witness %s", cli_text(answer, "witness"));
}

static int run_witness(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	iov_auto(iov_buf_release) struct iov_buf output = {0};
	char *json = NULL;
	iov_buf_printf(&output, "%s.checkpoint", cli_word(cli, 0));
	int rc = iov_registry_witness(cli->ctx, cli_word(cli, 0), values->key,
				      values->output ? values->output : output.data, &json);
	return cli_report(cli, rc, json, show_witness);
}

static void show_cosigned(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "the checkpoint of %s at %llu entries has %llu cosignatures", cli_text(answer, "origin"),
		      (unsigned long long)cli_uint(answer, "size"),
		      (unsigned long long)cli_uint(answer, "cosignatures"));
}

static int run_cosigned(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_registry_cosigned(cli->ctx, cli_word(cli, 0), cli_word(cli, 1), &json);
	return cli_report(cli, rc, json, show_cosigned);
}

const struct cli_command cli_cmd_registry_witness = {
	.name = "witness",
	.full = "registry witness",
	.summary = "cosign a registry's checkpoint, as a witness",
	.description =
		"Fetches the registry, proves that its log goes on from what this host has signed before, and cosigns "
		"the "
		"checkpoint with a key of the witness (C2SP tlog-cosignature). A log that does not go on is refused "
		"and "
		"never signed. The registry's host takes the file in with 'iovpkg registry cosigned'; clients ask for "
		"cosignatures with 'iovpkg registry add --witness KEY --witnesses N'.",
	.arguments = name,
	.options = witness_options,
	.examples = witness_examples,
	.run = run_witness,
};

const struct cli_command cli_cmd_registry_cosigned = {
	.name = "cosigned",
	.full = "registry cosigned",
	.summary = "take a witness's cosignature into the registry",
	.description = "Adds the cosignatures of a file to the registry's checkpoint, where clients that ask for "
		       "witnesses look "
		       "for them. The file must be of the checkpoint of now: each new head has to be cosigned again.",
	.arguments = path_and_file,
	.examples = cosigned_examples,
	.run = run_cosigned,
};
