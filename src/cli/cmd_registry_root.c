#include <stdio.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/show.h"
#include "cli/show_root.h"

static const struct cli_argument registry[] = {
	{"REGISTRY", "a registry's name here, or its bare repository", 1, 1, CLI_NAMES_REGISTRIES},
	{0},
};
static const struct cli_argument path[] = {
	{"PATH", "the registry's bare repository", 1, 1, CLI_NAMES_FOLDERS},
	{0},
};
static const struct cli_argument file[] = {
	{"FILE", "a root that 'iovpkg registry root prepare' wrote", 1, 1, CLI_NAMES_FILES},
	{0},
};
static const struct cli_argument path_and_file[] = {
	{"PATH", "the registry's bare repository", 1, 1, CLI_NAMES_FOLDERS},
	{"FILE", "a root that enough keys have signed", 1, 1, CLI_NAMES_FILES},
	{0},
};

#define LIST(option, what, text, member)                                                                               \
	{                                                                                                              \
		.name = option, .kind = CLI_LIST, .value = what, .help = text,                                         \
		.to = offsetof(struct cli_values, member)                                                              \
	}

static const struct cli_option prepare_options[] = {
	LIST("add-root-key", "KEY", "one more key that signs roots; a verifier key, or the name of a key pair here",
	     add_root_keys),
	LIST("remove-root-key", "KEY", "a key that signs roots no more", remove_root_keys),
	{.name = "root-threshold",
	 .kind = CLI_NUMBER,
	 .value = "N",
	 .help = "how many root keys must sign a root",
	 .max = 1024,
	 .to = offsetof(struct cli_values, root_threshold)},
	LIST("registry-key", "KEY", "sign heads with this key instead of those until now; may be given again",
	     registry_keys),
	LIST("publisher", "PATTERN=KEY", "let this key publish the modules whose names match", publishers),
	LIST("remove-publisher", "PATTERN=KEY", "let this key publish them no more", gone_publishers),
	LIST("publisher-threshold", "PATTERN=N", "how many publishers must sign a release of that pattern", thresholds),
	{.name = "since",
	 .kind = CLI_TEXT,
	 .value = "LOG",
	 .help = "removed publishers' keys leaked: refuse what they signed from this log entry on",
	 .to = offsetof(struct cli_values, since)},
	{.name = "resume",
	 .kind = CLI_TEXT,
	 .value = "COMMIT",
	 .help = "the registry's key was stolen: go on from this commit, the last that is good",
	 .to = offsetof(struct cli_values, resume)},
	{.name = "days",
	 .kind = CLI_NUMBER,
	 .value = "N",
	 .help = "how long the new root is good; by default five years",
	 .max = 3660,
	 .to = offsetof(struct cli_values, days)},
	{.name = "output",
	 .letter = 'o',
	 .kind = CLI_TEXT,
	 .completes = CLI_NAMES_FILES,
	 .value = "FILE",
	 .help = "where to write it (needed)",
	 .to = offsetof(struct cli_values, output)},
	{0},
};
static const struct cli_option sign_options[] = {
	CLI_OPTION_KEY("by default the only one here"),
	{.name = "against",
	 .kind = CLI_TEXT,
	 .completes = CLI_NAMES_REGISTRIES,
	 .value = "ROOT",
	 .help = "what to compare it with: a registry's name or repository, or its newest root's file; by default a "
		 "registry here of that origin",
	 .to = offsetof(struct cli_values, compare)},
	{0},
};
static const struct cli_option publish_options[] = {
	CLI_OPTION_KEY("for the head; by default the one here that the new root names"),
	{.name = "resume",
	 .kind = CLI_TEXT,
	 .value = "COMMIT",
	 .help = "the commit that the root was prepared to go on from",
	 .to = offsetof(struct cli_values, resume)},
	{0},
};

static const struct cli_example prepare_examples[] = {
	{"iovpkg registry root prepare /srv/modules.git --add-root-key bob+1a2b3c4d+AQ… --root-threshold 2 -o "
	 "next.note",
	 "two people for the next change"},
	{"iovpkg registry root prepare /srv/modules.git --registry-key new --resume 4575… -o next.note",
	 "after the registry's key was stolen"},
	{0},
};
static const struct cli_example sign_examples[] = {
	{"iovpkg registry root sign next.note --key alice --against root-3.note", "on a machine without a network"},
	{0},
};

static void add_role(struct iov_buf *out, const json_t *role, const char *title)
{
	size_t i;
	json_t *key;
	cli_show_line(out, "%s: %llu of %zu", title, (unsigned long long)cli_uint(role, "threshold"),
		      json_array_size(json_object_get(role, "keys")));
	json_array_foreach(json_object_get(role, "keys"), i, key) {
		cli_show_line(out, "  %s", json_is_string(key) ? json_string_value(key) : "");
	}
}

static void show_root(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	size_t i;
	json_t *one;
	const json_t *root = json_object_get(answer, "root");
	(void)look;
	cli_show_line(out, "origin %s", cli_text(root, "origin"));
	json_array_foreach(json_object_get(answer, "chain"), i, one) {
		cli_show_line(out, "root %llu, good until %s, signed by %zu, sha256 %s",
			      (unsigned long long)cli_uint(one, "version"), cli_text(one, "expires"),
			      json_array_size(json_object_get(one, "signatures")), cli_text(one, "sha256"));
	}
	add_role(out, json_object_get(root, "root"), "sign roots");
	add_role(out, json_object_get(root, "registry"), "sign heads");
	json_array_foreach(json_object_get(root, "publishers"), i, one) {
		char title[128];
		snprintf(title, sizeof(title), "publish '%s'", cli_text(one, "pattern"));
		add_role(out, one, title);
	}
	json_array_foreach(json_object_get(root, "retired"), i, one) {
		cli_show_line(out, "retired: %s for '%s' below log entry %llu, threshold %llu%s", cli_text(one, "key"),
			      cli_text(one, "pattern"), (unsigned long long)cli_uint(one, "log_size"),
			      (unsigned long long)cli_uint(one, "threshold"),
			      cli_true(one, "leaked") ? "; it leaked" : "");
	}
}

static int run_show(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_root_show(cli->ctx, cli_word(cli, 0), &json);
	return cli_answer(cli, rc, json, show_root);
}

void cli_show_prepared_root(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	size_t i;
	json_t *change;
	unsigned long long needed = cli_uint(answer, "signatures_needed");
	(void)look;
	json_array_foreach(json_object_get(answer, "changes"), i, change) {
		cli_show_line(out, "- %s", json_is_string(change) ? json_string_value(change) : "");
	}
	cli_show_line(out, "root %llu is in %s; %llu root key%s of now must sign it, with 'iovpkg registry root sign'",
		      (unsigned long long)cli_uint(answer, "version"), cli_text(answer, "file"), needed,
		      needed == 1 ? "" : "s");
}

static int run_prepare(struct cli *cli)
{
	const struct cli_values *values = &cli->values;
	const struct iov_root_changes changes = {
		.add_root_keys = values->add_root_keys.items,
		.n_add_root_keys = values->add_root_keys.count,
		.remove_root_keys = values->remove_root_keys.items,
		.n_remove_root_keys = values->remove_root_keys.count,
		.root_threshold = values->root_threshold,
		.registry_keys = values->registry_keys.items,
		.n_registry_keys = values->registry_keys.count,
		.publishers = values->publishers.items,
		.n_publishers = values->publishers.count,
		.gone_publishers = values->gone_publishers.items,
		.n_gone_publishers = values->gone_publishers.count,
		.thresholds = values->thresholds.items,
		.n_thresholds = values->thresholds.count,
		.since = values->since,
		.resume = values->resume,
		.days = values->days,
	};
	char *json = NULL;
	if (!values->output)
		return cli_fail(cli, IOV_E_USAGE,
				"'registry root prepare' needs '--output FILE', where the root is written");
	int rc = iov_root_prepare(cli->ctx, cli_word(cli, 0), &changes, values->output, &json);
	return cli_report(cli, rc, json, cli_show_prepared_root);
}

static void show_signed(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	unsigned long long count = cli_uint(answer, "signatures");
	(void)look;
	cli_show_line(out, "%s %s with %s; it has %llu signature%s now", cli_text(answer, "subject"),
		      cli_true(answer, "again") ? "was signed before" : "is signed", cli_text(answer, "key"), count,
		      count == 1 ? "" : "s");
}

static int run_sign(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_root_sign(cli->ctx, cli_word(cli, 0), cli->values.key, cli->values.compare, &json);
	return cli_report(cli, rc, json, show_signed);
}

void cli_show_published_root(const struct cli_look *look, const json_t *answer, struct iov_buf *out)
{
	(void)look;
	cli_show_line(out, "root %llu of %s is %s", (unsigned long long)cli_uint(answer, "version"),
		      cli_text(answer, "origin"), cli_true(answer, "again") ? "in force already" : "in force");
}

static int run_publish(struct cli *cli)
{
	char *json = NULL;
	int rc = iov_root_publish(cli->ctx, cli_word(cli, 0), cli_word(cli, 1), cli->values.key, cli->values.resume,
				  &json);
	return cli_report(cli, rc, json, cli_show_published_root);
}

static const struct cli_command show = {
	.name = "show",
	.full = "registry root show",
	.summary = "show who may sign what",
	.description = "Shows the chain of roots, and what the newest says: whose keys sign roots and heads, who may "
		       "publish which names, how many have to agree, and until when it is good.",
	.arguments = registry,
	.run = run_show,
};

static const struct cli_command prepare = {
	.name = "prepare",
	.full = "registry root prepare",
	.summary = "write the next root, unsigned",
	.description =
		"Writes what the next root will say to a file, and tells what it changes. It is in force once it "
		"was signed by enough root keys and published. Without changes it renews the time that the root "
		"is good for.\n\nWhat keys have signed until now stays good when they go, except with --since.",
	.arguments = path,
	.options = prepare_options,
	.examples = prepare_examples,
	.run = run_prepare,
};

static const struct cli_command sign = {
	.name = "sign",
	.full = "registry root sign",
	.summary = "sign a prepared root",
	.description =
		"Shows what a prepared root changes, asks, and adds a signature in its file. Neither the registry "
		"nor a network is needed: carry the file from one machine to the next.",
	.arguments = file,
	.options = sign_options,
	.examples = sign_examples,
	.run = run_sign,
};

static const struct cli_command publish = {
	.name = "publish",
	.full = "registry root publish",
	.summary = "put a signed root in force",
	.description =
		"Checks that enough keys of the root until now, and of the new one, have signed, and commits the "
		"root, the event in the log and a new head. Hosts follow with their next update.",
	.arguments = path_and_file,
	.options = publish_options,
	.run = run_publish,
};

static const struct cli_command *const children[] = {&show, &prepare, &sign, &publish, NULL};

const struct cli_command cli_cmd_registry_root = {
	.name = "root",
	.full = "registry root",
	.summary = "who may sign what in a registry",
	.description =
		"A registry's root names the keys that sign roots, heads and releases. It is replaced by the next "
		"one, which enough of its own keys have signed.",
	.children = children,
};
