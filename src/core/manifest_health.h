/* The `health` section of a manifest: from JSON into structs, and what no schema can check of it. */
#ifndef IOV_CORE_MANIFEST_HEALTH_H
#define IOV_CORE_MANIFEST_HEALTH_H

#include "core/manifest.h"
#include "core/node.h"

int iov_manifest_fill_health(struct iov_ctx *ctx, struct iov_manifest *manifest);
/* `list` is the section as it was written; NULL: there is none. */
int iov_manifest_check_health(struct iov_ctx *ctx, const char *path, const struct iov_node *list,
			      const struct iov_manifest *manifest);

#endif
