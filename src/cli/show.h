/* What commands that answer with a few lines share. */
#ifndef IOV_CLI_SHOW_H
#define IOV_CLI_SHOW_H

#include "cli/cli.h"

/* One line, cleaned of control characters. */
void cli_show_line(struct iov_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
