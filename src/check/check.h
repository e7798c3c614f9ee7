/* Reads what an object says of itself (core/object.h), without loading it: programs, maps, layouts and fingerprints. */
#ifndef IOV_CHECK_CHECK_H
#define IOV_CHECK_CHECK_H

#include "core/manifest.h"
#include "core/object.h"

struct btf;

int iov_check_object(struct iov_ctx *ctx, const char *path, struct iov_object **ret);
/* Manifest and object must agree: programs, maps, variables, event types and buffers that the manifest names exist; the
 * object's license fits. */
int iov_check_agreement(struct iov_ctx *ctx, const struct iov_manifest *manifest, const struct iov_object *object,
			const char *path);
/* The layout of one BTF type, as in core/object.h. A new reference. */
int iov_check_layout(struct iov_ctx *ctx, const struct btf *btf, uint32_t type_id, json_t **ret);
/* Fills ret->fingerprint from the other members of `map`. */
int iov_check_fingerprint(struct iov_ctx *ctx, struct iov_object_map *map);

#endif
