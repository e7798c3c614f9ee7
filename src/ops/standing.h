/* What the registry says by now of releases that this host has or takes: withdrawn, discouraged. What is installed
 * keeps the word of the day it came. */
#ifndef IOV_OPS_STANDING_H
#define IOV_OPS_STANDING_H

#include "core/release.h"
#include "ops/choose.h"

/* The same release among those of the index; NULL: it is not there. */
const struct iov_release *iov_standing_find(struct iov_release *const *releases, size_t count,
					    const struct iov_release *release);
/* A warning for each yanked or deprecated release among those that come new, or among all of them in an upgrade of
 * everything. */
int iov_standing_warn(struct iov_ctx *ctx, const struct iov_choose *choose, const struct iov_generation *before,
		      const struct iov_release *const *chosen, size_t count);
/* "yanked", "deprecated" and "successor" into a JSON object: texts or null. `release` may be NULL. */
int iov_standing_describe(struct iov_ctx *ctx, const struct iov_release *release, json_t *into);

#endif
