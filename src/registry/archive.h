/* The archives that a host wants of one registry. */
#ifndef IOV_REGISTRY_ARCHIVE_H
#define IOV_REGISTRY_ARCHIVE_H

#include "registry/registries.h"

/* Over HTTP, all at the same time, resumed where an earlier time ended; each checked against its release. */
int iov_archives_from_web(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_archive_wish **wishes,
			  size_t count);

#endif
