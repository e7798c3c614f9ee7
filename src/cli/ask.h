/* The library's questions, put to the person at the terminal. */
#ifndef IOV_CLI_ASK_H
#define IOV_CLI_ASK_H

#include "cli/cli.h"

/* The confirm callback; data is the struct cli. Where nobody can be asked plans go ahead, and trust waits for --yes or
 * --fingerprint. */
bool cli_confirm(enum iov_question question, const char *json, void *data);

#endif
