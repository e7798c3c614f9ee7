/*
 * What a signal that asks for the end does (SIGINT, SIGTERM, SIGHUP of a terminal that closes). While the host changes,
 * the first one has the change taken back, and says so; a second one ends the process, which the next command then
 * settles. At any other time the process just ends, as it would without us. SIGPIPE is nothing while the host changes.
 */
#ifndef IOV_CLI_SIGNALS_H
#define IOV_CLI_SIGNALS_H

#include <stdbool.h>

void cli_signals_init(void);
/* For struct iov_config. */
bool cli_signals_stop(void *data);
void cli_signals_changing(bool now, void *data);
/* For what runs until it is stopped: a descriptor that is readable then; -1, and these signals end us as ever. */
int cli_signals_fd(void);

#endif
