/*
 * The leaves of the log: canonical JSON, one event each. A publish is {"archive", "kind", "manifest", "name", "record",
 * "time", "version"}: digests of the archive, of the index manifest after the event and of the signed release record.
 */
#ifndef IOV_REGISTRY_EVENT_H
#define IOV_REGISTRY_EVENT_H

#include "core/release.h"

/* `manifest` is the SHA-256 of manifest/top with the release in it. Owned by the caller. */
int iov_event_publish(struct iov_ctx *ctx, const struct iov_release *release, const char *manifest, char **ret_leaf);
/* That the leaf is the publish of this release. */
int iov_event_check(struct iov_ctx *ctx, const char *registry, const char *leaf, size_t len,
		    const struct iov_release *release);

#endif
