/* Bytes against what was signed: an archive file against its release. (Signatures of heads, index and releases are
 * checked where they are read: registry/.) */
#ifndef IOV_VERIFY_VERIFY_H
#define IOV_VERIFY_VERIFY_H

#include "core/release.h"

/* Size and SHA-256. IOV_E_UNTRUSTED with both digests. */
int iov_verify_archive(struct iov_ctx *ctx, const struct iov_release *release, const char *path);

#endif
