/* What the files of accept share: one submission is judged against the registry as it is, and written into it. */
#ifndef IOV_REGISTRY_ACCEPT_H
#define IOV_REGISTRY_ACCEPT_H

#include "registry/host.h"
#include "registry/statement.h"

/* Takes a statement into an opened registry: index lines, log and head in one commit. Who signed it, that the releases
 * exist, and that nothing newer was said of them (a replay) is checked. `known` when all of them are so already, and
 * nothing was written; *ret_log is the event's place in the log. IOV_E_BUSY when main has moved since it was opened. */
int iov_accept_statement(struct iov_ctx *ctx, struct iov_host *host, const struct iov_signer *signer,
			 const struct iov_statement *statement, int64_t now, bool *ret_known, uint64_t *ret_log);

#endif
