/* How each hook of a plan comes to its new program, and so what its events will see: "moves" in docs/json.md. */
#ifndef IOV_OPS_MOVES_H
#define IOV_OPS_MOVES_H

#include "core/json.h"

/* Adds it to the hooks of the plan's document that move. What this kernel has no hook for stays without. */
int iov_moves_tell(struct iov_ctx *ctx, json_t *document);

#endif
