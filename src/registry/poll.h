/* Waiting for what a registry elsewhere says of a submission that it judges later. */
#ifndef IOV_REGISTRY_POLL_H
#define IOV_REGISTRY_POLL_H

#include "core/ctx.h"
#include "registry/registry.h"
#include "registry/source.h"

struct iov_poll {
	const char *registry;	    /* this host's name for it: its root says whose verdict counts */
	const char *url;	    /* of its repository */
	const char *module;	    /* that the release is of */
	const char *sha256;	    /* of the archive */
	char seen[IOV_COMMIT_SIZE]; /* the verdict that was there before the submission, if there was one */
};

/* Before the submission: the verdict on an earlier one is not the one that is waited for. */
int iov_poll_begin(struct iov_ctx *ctx, struct iov_poll *poll);
/* Looks once. `done`: the release is in the index, `log` says where. A refusal is the error, with its own code
 * (core/refusal.h); with neither, nothing has been decided. */
int iov_poll_once(struct iov_ctx *ctx, const struct iov_poll *poll, bool *ret_done);
/* Looks again and again, seldomer with time, for `seconds`; IOV_E_BUSY when nothing was decided by then. */
int iov_poll_wait(struct iov_ctx *ctx, const struct iov_poll *poll, uint64_t seconds);

#endif
