/* How yank, unyank and deprecate answer. */
#ifndef IOV_CLI_SHOW_STATEMENT_H
#define IOV_CLI_SHOW_STATEMENT_H

#include "cli/cli.h"

void cli_show_statement(const struct cli_look *look, const json_t *answer, struct iov_buf *out);

#endif
