/* Keeping the clone of a git registry small: every fetch adds a pack to it. */
#ifndef IOV_REGISTRY_TIDY_H
#define IOV_REGISTRY_TIDY_H

#include "registry/trust.h"

/* Packs the clone anew where it has too many packs or bytes, and the last time is an hour ago: what its branches and
 * the trusted commit need stays, and packs that were superfluous the time before go. Those of now go the next time,
 * since a command that reads may still need them. Under the registry's lock. Where it fails, that is a warning: the
 * clone is as good as before, only larger. */
void iov_trust_tidy(struct iov_ctx *ctx, const struct iov_trust *trust);

#endif
