/* From which instances an instance takes the maps that it imports. */
#ifndef IOV_OPS_IMPORTS_H
#define IOV_OPS_IMPORTS_H

#include "core/generation.h"

/* What was chosen `before` (map to instance, or NULL), with the choices given now over it: "MAP=INSTANCE", of maps that
 * the manifest imports and of instances of `generation` that run their modules. A new object. */
int iov_imports_choose(struct iov_ctx *ctx, const struct iov_generation *generation,
		       const struct iov_manifest *manifest, struct iov_settings given, const json_t *before,
		       json_t **ret);

#endif
