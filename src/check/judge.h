/*
 * Does a kernel load releases? The resolver asks this of every release that it is about to choose (resolve/resolve.h),
 * and the answer for one release and one kernel never changes, so it is kept: in memory, and for the running kernel in
 *   <cache>/verdicts/<kernel build>
 *     iovverdicts1 SHA256                  of all that follows
 *     {"iovpkg":VERSION,"modules":true,"verdicts":{"REGISTRY/SHA256 OF THE ARCHIVE":null or {"kernel":...},...}}
 * A file that is damaged, or was written by another iovpkg or while there were no modules, is as good as none.
 */
#ifndef IOV_CHECK_JUDGE_H
#define IOV_CHECK_JUDGE_H

#include "core/lack.h"
#include "core/release.h"

struct iov_judge;

/* `path`: a kernel out of FILE.btf (check/kernel.h); NULL: the running one. Neither is read before it is asked for. */
int iov_judge_new(struct iov_ctx *ctx, const char *path, struct iov_judge **ret);
/* Keeps what it found out. */
void iov_judge_close(struct iov_judge **place);
/* Has it the verdict already? Then a brief of the release (core/brief.h) is enough to be told. */
bool iov_judge_knows(const struct iov_judge *judge, const struct iov_release *release);
/* What the kernel lacks; NULL: it loads the release, or nobody can tell: its release has no facts, or this kernel no
 * types. Borrowed from the judge. */
int iov_judge_release(struct iov_ctx *ctx, struct iov_judge *judge, const struct iov_release *release,
		      const struct iov_lack **ret);
/* The newest release of a module that it was asked about and that the kernel does not load; NULL: none. Borrowed. */
const struct iov_release *iov_judge_refused(const struct iov_judge *judge, const char *name,
					    const struct iov_lack **ret);

#endif
