/*
 * The library's question for a passphrase, put to the person at the terminal (/dev/tty, without echo; a new one twice)
 * or, with --passphrase-fd, answered line by line from a file descriptor. Never from the words of the command or the
 * environment, which others on the host can read.
 */
#ifndef IOV_CLI_PASSPHRASE_H
#define IOV_CLI_PASSPHRASE_H

#include <stdbool.h>

struct cli;

/* The passphrase callback; data is the struct cli. What was answered once is not asked again for the same key. */
bool cli_passphrase(const char *key, bool fresh, unsigned attempt, char *ret, void *data);
/* Checks the word after --passphrase-fd and keeps the descriptor from the programs that are started. False with a
 * sentence printed. */
bool cli_passphrase_init(struct cli *cli);
void cli_passphrase_release(struct cli *cli); /* wipes the answers */

#endif
