/* The two halves of iov_seen_check(): reading what is offered, and judging it module by module. */
#ifndef IOV_REGISTRY_SEEN_CHECK_H
#define IOV_REGISTRY_SEEN_CHECK_H

#include "registry/log.h"
#include "registry/seen.h"

struct iov_seen_check {
	struct iov_ctx *ctx;
	const struct iov_seen_offer *offer;
	struct iov_log log; /* as the offered head has it */
};

/* One module as it was remembered, and as it would be. */
int iov_seen_judge(struct iov_seen_check *check, const char *name, const json_t *before, const json_t *now);

#endif
