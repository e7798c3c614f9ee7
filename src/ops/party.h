/* The kernel's part in choosing releases: what it does not load is not chosen, and people are told why. */
#ifndef IOV_OPS_PARTY_H
#define IOV_OPS_PARTY_H

#include "check/judge.h"

/* `flags` as in iovpkg.h. *ret is NULL where this kernel has no say: what is put into an image (a root of its own) and
 * not loaded (IOV_NO_LOAD) will run on another. */
int iov_party_open(struct iov_ctx *ctx, unsigned flags, struct iov_judge **ret);
/* Notes newer releases that the kernel kept from being chosen. `judge` may be NULL. */
void iov_party_tell(struct iov_ctx *ctx, const struct iov_judge *judge, const struct iov_release *const *chosen,
		    size_t count);

#endif
