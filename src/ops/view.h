/* What the queries share: the generation as it is (no lock taken), its sites and maps as the kernel has them. */
#ifndef IOV_OPS_VIEW_H
#define IOV_OPS_VIEW_H

#include "core/plan.h"
#include "engine/engine.h"

/* The sites of every instance of a generation, as a plan from the empty host. */
struct iov_view {
	struct iov_ctx *ctx;
	struct iov_generation *empty, *current; /* owned */
	struct iov_plan *plan;			/* owned */
};

int iov_view_open(struct iov_ctx *ctx, struct iov_view *ret);
void iov_view_release(struct iov_view *view);
/* The folder of a running instance in bpffs. Owned by the caller. */
char *iov_view_dir(const struct iov_view *view, const char *instance);

#endif
