/* Help on standard output, from the tables that parse. */
#ifndef IOV_CLI_HELP_H
#define IOV_CLI_HELP_H

#include "cli/cli.h"

/* The page of a command, or of the program where it is NULL. */
int cli_help(struct cli *cli, const struct cli_command *command);
void cli_help_text(const struct cli_command *command, const struct cli_look *look, struct iov_buf *out);
/* "NAME[@REQ]...", "[NAME]": an argument as a usage line has it. */
void cli_argument_usage(const struct cli_argument *argument, struct iov_buf *out);

#endif
