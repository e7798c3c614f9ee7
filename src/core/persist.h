/* Which maps can be saved and filled again after a reboot (docs/saved-maps.md). */
#ifndef IOV_CORE_PERSIST_H
#define IOV_CORE_PERSIST_H

#include "core/object.h"

/* IOV_E_INPUT says why not. */
int iov_persist_check(struct iov_ctx *ctx, const struct iov_object_map *map);

#endif
