/*
 * One table of options says how a command's words are read, what its help shows, and what its man page and completion
 * hold.
 *
 * Words are "--name", "--name=value", "--name value", "-n", "-nvalue", "-n value" and "-ab"; "--" ends the options. An
 * option that takes a value may be given again: the last one counts, or each one where the kind is CLI_LIST.
 */
#ifndef IOV_CLI_OPTIONS_H
#define IOV_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

enum cli_kind {
	CLI_FLAG,   /* bool */
	CLI_TEXT,   /* const char *, never empty */
	CLI_NUMBER, /* uint64_t, from 1 to `max` */
	CLI_LIST,   /* struct cli_list */
	CLI_AGE,    /* uint64_t, seconds: "36h", "7d" */
};

/* What the shell offers for a value; also the words after `iovpkg --generate names`. */
enum cli_names {
	CLI_NAMES_NONE,
	CLI_NAMES_FILES,
	CLI_NAMES_FOLDERS,
	CLI_NAMES_COMMANDS,
	CLI_NAMES_AVAILABLE, /* modules of all registries */
	CLI_NAMES_INSTALLED, /* modules of this host */
	CLI_NAMES_INSTANCES,
	CLI_NAMES_REGISTRIES,
	CLI_NAMES_KEYS,
};

struct cli_list {
	const char **items; /* owned; the strings are the command line's */
	size_t count;
};

/* What the command line said. Strings are borrowed from it; NULL, 0 and false mean "not given". */
struct cli_values {
	const char *root;
	bool offline, json, quiet, yes, no_color, help, version, generate;
	const char *alias, *fingerprint, *key, *listen, *origin, *output, *passphrase_fd, *reason, *registry,
		*successor, *text;
	bool plain, dry_run, fix, hook, latest, locked, lossy, renew, no_health, no_load, undo, verdicts,
		with_importers, with_object;
	uint64_t count, days, keep, left, min_age, wait, witnesses;
	struct cli_list against, facts, imports, publishers, settings, witness_keys;
	const char *compare, *prepare, *prepared, *resume, *since;
	uint64_t root_threshold;
	struct cli_list add_root_keys, gone_publishers, registry_keys, remove_root_keys, thresholds;
	struct cli_list words; /* what is no option */
};

struct cli_option {
	const char *name; /* without "--"; NULL ends a table */
	char letter;	  /* 0: none */
	enum cli_kind kind;
	enum cli_names completes;
	const char *value;    /* what the help calls the value: "DIR" */
	const char *help;     /* NULL: hidden */
	const char *excludes; /* the name of an option that it cannot be given with */
	uint64_t max;	      /* of a number */
	size_t to;	      /* where in struct cli_values the value goes: offsetof() */
};

/* Rows that several commands share. */
#define CLI_OPTION_DRY_RUN                                                                                             \
	{                                                                                                              \
		.name = "dry-run", .letter = 'n', .help = "print the plan and change nothing",                         \
		.to = offsetof(struct cli_values, dry_run)                                                             \
	}
#define CLI_OPTION_NO_HEALTH                                                                                           \
	{                                                                                                              \
		.name = "no-health", .help = "do without the modules' health checks",                                  \
		.to = offsetof(struct cli_values, no_health)                                                           \
	}
#define CLI_OPTION_WITH_IMPORTERS                                                                                      \
	{                                                                                                              \
		.name = "with-importers", .help = "take what imports maps from it along, importers first",             \
		.to = offsetof(struct cli_values, with_importers)                                                      \
	}
#define CLI_OPTION_LOSSY                                                                                               \
	{                                                                                                              \
		.name = "lossy", .help = "let maps lose what their new layout cannot hold",                            \
		.to = offsetof(struct cli_values, lossy)                                                               \
	}
#define CLI_OPTION_MIN_AGE                                                                                             \
	{                                                                                                              \
		.name = "min-age", .kind = CLI_AGE, .value = "AGE",                                                    \
		.help = "ignore releases that are younger, as in 12h or 7d; what is installed or locked stays",        \
		.to = offsetof(struct cli_values, min_age)                                                             \
	}
#define CLI_OPTION_AS                                                                                                  \
	{                                                                                                              \
		.name = "as", .kind = CLI_TEXT, .value = "ALIAS",                                                      \
		.help = "name of the instance; by default the module's", .to = offsetof(struct cli_values, alias)      \
	}
#define CLI_OPTION_SET                                                                                                 \
	{                                                                                                              \
		.name = "set", .kind = CLI_LIST, .value = "KEY=VALUE",                                                 \
		.help = "set a parameter of the module; may be given again",                                           \
		.to = offsetof(struct cli_values, settings)                                                            \
	}
#define CLI_OPTION_IMPORT                                                                                              \
	{                                                                                                              \
		.name = "import", .kind = CLI_LIST, .value = "MAP=INSTANCE",                                           \
		.help = "take an imported map from this instance; may be given again",                                 \
		.to = offsetof(struct cli_values, imports)                                                             \
	}
#define CLI_OPTION_KEY(which)                                                                                          \
	{                                                                                                              \
		.name = "key", .letter = 'k', .kind = CLI_TEXT, .completes = CLI_NAMES_KEYS, .value = "NAME",          \
		.help = "key pair to sign with; " which, .to = offsetof(struct cli_values, key)                        \
	}
#define CLI_OPTION_PLAIN                                                                                               \
	{                                                                                                              \
		.name = "plain", .help = "make a key pair without a passphrase, for a host where nobody can type one", \
		.to = offsetof(struct cli_values, plain)                                                               \
	}
#define CLI_OPTION_REGISTRY                                                                                            \
	{                                                                                                              \
		.name = "registry", .letter = 'r', .kind = CLI_TEXT, .completes = CLI_NAMES_REGISTRIES,                \
		.value = "REGISTRY", .help = "a registry's name, path or URL; by default the only one that is known",  \
		.to = offsetof(struct cli_values, registry)                                                            \
	}
#define CLI_OPTION_WITH_OBJECT                                                                                         \
	{                                                                                                              \
		.name = "with-object",                                                                                 \
		.help = "carry the object built for this machine, so that hosts need no compiler",                     \
		.to = offsetof(struct cli_values, with_object)                                                         \
	}

extern const struct cli_option cli_global_options[];

/* Reads words into *values until their end, or until the first that is no option when `leading`. `tables` are searched
 * in order and end with NULL. Gives the number of words read, or -1 with a sentence in *error. */
int cli_options_parse(const struct cli_option *const *tables, const char *const *words, int count, bool leading,
		      struct cli_values *values, struct iov_buf *error);
bool cli_option_given(const struct cli_option *option, const struct cli_values *values);
void cli_values_release(struct cli_values *values);

/* A whole number from 1 to max, or 0 when it is none. */
uint64_t cli_parse_number(const char *text, uint64_t max);
/* "90s", "30m", "36h", "7d" or "2w" in seconds, or 0 when it is none. */
uint64_t cli_parse_age(const char *text);
/* False: no memory. */
bool cli_list_add(struct cli_list *list, const char *item);

#endif
