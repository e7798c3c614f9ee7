/* The kernel's list of tracepoints. Where tracefs is not mounted, a mount of our own is opened that nobody else sees
 * and that ends with its descriptor. */
#ifndef IOV_HOOKS_TRACEFS_H
#define IOV_HOOKS_TRACEFS_H

#include "hooks/hook.h"

/* The folder of tracefs that holds a folder per category: "events". */
int iov_tracefs_events(struct iov_ctx *ctx, int *ret_fd);
/* Where a tracepoint stands, "sched/sched_switch", given that or its name alone; IOV_E_NOT_FOUND suggests. The caller
 * owns *ret. */
int iov_tracefs_find(struct iov_ctx *ctx, int events, const char *name, char **ret);
int iov_tracefs_id(struct iov_ctx *ctx, int events, const char *path, uint64_t *ret);
/* The tracepoint that a site names: its target, else what follows the first slash of its section; NULL when neither
 * says. Borrowed. */
const char *iov_tracepoint_of(const struct iov_site *site);

#endif
