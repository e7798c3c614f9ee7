/*
 * One run of the program: the words, the library's context, and the ways to answer. A command calls the library once
 * and hands what it gave to cli_answer(), which prints the error, the JSON document, or what `show` makes of it for a
 * person.
 */
#ifndef IOV_CLI_CLI_H
#define IOV_CLI_CLI_H

#include <jansson.h>

#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "iovpkg.h"

struct cli {
	const struct cli_command *command;
	struct cli_values values;
	struct iov_ctx *ctx;
	struct cli_progress progress;
	struct cli_answered *answered; /* passphrases (passphrase.h) */
};

typedef void cli_show(const struct cli_look *look, const json_t *answer, struct iov_buf *out);

/* Prints "iovpkg: error: text", or the error as JSON. Gives the code back. */
int cli_fail(struct cli *cli, int code, const char *text);
/* The end of a command: `rc` and `json` are what the library gave; json is freed. `show` may be NULL. */
int cli_answer(struct cli *cli, int rc, char *json, cli_show *show);
/* The same for what changes something; `show` keeps silent with --quiet. */
int cli_report(struct cli *cli, int rc, char *json, cli_show *show);
/* Writes a text to standard output. */
int cli_print(struct cli *cli, const struct iov_buf *out);

/* The flags of the library that the options ask for. */
unsigned cli_flags(const struct cli_values *values);
/* Parameters and imports as the options give them; borrowed. */
struct iov_settings cli_settings(const struct cli_values *values);
/* The word at `index`; NULL where there are not so many. */
const char *cli_word(const struct cli *cli, size_t index);

#endif
