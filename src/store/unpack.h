/* From an archive, through a worker that is not trusted, to files that are each what the signed record says. */
#ifndef IOV_STORE_UNPACK_H
#define IOV_STORE_UNPACK_H

#include "core/release.h"

/* Unpacks into the empty folder `dir`. IOV_E_UNTRUSTED names the first file that is not in the record, differs from it,
 * comes twice or is missing. */
int iov_store_unpack(struct iov_ctx *ctx, const struct iov_release *release, const char *archive, const char *dir);

#endif
