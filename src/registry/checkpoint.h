/* A checkpoint by itself, as somebody else saw it (https://c2sp.org/tlog-checkpoint). */
#ifndef IOV_REGISTRY_CHECKPOINT_H
#define IOV_REGISTRY_CHECKPOINT_H

#include "registry/head.h"

struct iov_checkpoint {
	uint64_t size;
	struct iov_hash root;
};

/* One of this registry's log, signed by its key. `what` names it in errors. */
int iov_checkpoint_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len,
			 const struct iov_root *root, struct iov_checkpoint *ret);

#endif
