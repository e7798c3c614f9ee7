/*
 * Why a submission was refused, for a publisher who cannot be told at the end of his push because the registry judges
 * later: refs/heads/verdict/<the name of the submission> holds `verdict.note`, {"kind", "origin", "reason", "schema",
 * "sha256", "time"}, signed by the registry's key. What was accepted needs none: it is in the index.
 */
#ifndef IOV_REGISTRY_VERDICT_H
#define IOV_REGISTRY_VERDICT_H

#include "registry/root.h"

#define IOV_VERDICT_REFS "refs/heads/verdict/"
#define IOV_VERDICT_PATH "verdict.note"
#define IOV_VERDICT_MAX (64u << 10) /* bytes */

struct iov_verdict {
	const char *origin, *sha256; /* of the submission */
	int code;		     /* of the refusal: core/refusal.h */
	const char *reason;
	int64_t now;
};

/* Makes the ref in the repository at `path`, in place of an older one. */
int iov_verdict_write(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer,
		      const struct iov_verdict *verdict);
/* No ref is success. */
int iov_verdict_drop(struct iov_ctx *ctx, const char *path, const char *sha256);
/* The refusal that a note tells of, as the error: its code and its reason. IOV_E_UNTRUSTED when it is not this
 * registry's word on this submission. Never IOV_OK. */
int iov_verdict_tell(struct iov_ctx *ctx, const struct iov_root *root, const char *sha256, const struct iov_buf *note);

#endif
