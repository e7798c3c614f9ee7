/* Two generations to a plan. Pure. Checks what can be checked without a kernel: imports are met by instances and
 * contracts agree. */
#ifndef IOV_PLAN_MAKE_H
#define IOV_PLAN_MAKE_H

#include "core/plan.h"

enum iov_plan_flags {
	IOV_PLAN_BACK = 1 << 0,	 /* plan->back */
	IOV_PLAN_LOSSY = 1 << 1, /* plan->lossy */
};

/* The generations must outlive the plan. IOV_E_CONTRACT shows both layouts side by side; IOV_E_CONFLICT: an import
 * without an instance, or a cycle. */
int iov_plan_make(struct iov_ctx *ctx, const struct iov_generation *from, const struct iov_generation *to,
		  struct iov_plan **ret);
int iov_plan_make_with(struct iov_ctx *ctx, const struct iov_generation *from, const struct iov_generation *to,
		       unsigned flags, struct iov_plan **ret);

#endif
