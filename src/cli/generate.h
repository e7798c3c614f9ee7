/* `iovpkg --generate WHAT`: hidden; what the build and the shell's completion ask for. */
#ifndef IOV_CLI_GENERATE_H
#define IOV_CLI_GENERATE_H

#include "cli/cli.h"

/* "commands", "man [COMMAND]", "completion", "names KIND". Names need a context: `with_context` opens one and calls
 * cli_generate_names(). */
int cli_generate(struct cli *cli, const char *const *words, size_t count, int (*with_context)(struct cli *cli));
int cli_generate_names(struct cli *cli);

/* The man page of a command or family, or of the program where it is NULL, in mdoc. */
void cli_man_page(const struct cli_command *command, struct iov_buf *out);
void cli_bash_completion(struct iov_buf *out);

#endif
