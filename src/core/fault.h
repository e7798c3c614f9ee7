/*
 * Fault points, for tests only: built with --enable-fault-points, the process kills itself (SIGKILL) at the Nth point
 * it passes when IOVPKG_FAULT=N is set, fails there with an I/O error when IOVPKG_FAULT=fail:N, or stops (SIGSTOP) when
 * IOVPKG_FAULT=stop:N, so that a test can do something in between. In place of a number a point's name can stand:
 * "stop:instance staged" is the first of that name. IOVPKG_FAULT=times writes the time of each point to stderr, for
 * bench/steps. Otherwise nothing is compiled in.
 */
#ifndef IOV_CORE_FAULT_H
#define IOV_CORE_FAULT_H

#include "core/ctx.h"

#ifdef IOV_FAULT_POINTS
int iov_fault(struct iov_ctx *ctx, const char *point);
#else
static inline int iov_fault(struct iov_ctx *ctx, const char *point)
{
	(void)ctx;
	(void)point;
	return IOV_OK;
}
#endif

#endif
