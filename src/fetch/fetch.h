/* An archive into the cache: <root>/var/cache/iovpkg/archives/<sha256>.iov, whole and checked, or absent. */
#ifndef IOV_FETCH_FETCH_H
#define IOV_FETCH_FETCH_H

#include "registry/registry.h"

/* *ret_path is owned by the caller. Offline and not cached: IOV_E_NETWORK. */
int iov_fetch_archive(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
		      char **ret_path);

/* All of these; those on the web at the same time, so that the calls above find them. */
int iov_fetch_archives(struct iov_ctx *ctx, struct iov_registries *registries,
		       const struct iov_release *const *releases, size_t count);

#endif
