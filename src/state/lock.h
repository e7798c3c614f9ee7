/* The host lock: one changing command at a time, by flock on <state>/lock. Waits up to ten seconds, then IOV_E_BUSY
 * names the holder's pid. */
#ifndef IOV_STATE_LOCK_H
#define IOV_STATE_LOCK_H

#include "core/ctx.h"

int iov_lock_take(struct iov_ctx *ctx, int *ret_fd); /* close the fd to let go */

#endif
