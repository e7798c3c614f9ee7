/* Files with documents prepared for signatures: roots, releases, statements. */
#ifndef IOV_OPS_SIGN_H
#define IOV_OPS_SIGN_H

#include "core/json.h"
#include "sign/key.h"
#include "util/buf.h"

/* The file's bytes and the document in them; its signatures, if any, are not judged. */
int iov_prepared_read(struct iov_ctx *ctx, const char *file, struct iov_buf *ret_bytes, json_t **ret_json);
/* Adds a signature in the file. *ret: {"again", "file", "key", "signatures", "subject"}. */
int iov_prepared_sign(struct iov_ctx *ctx, const char *file, const struct iov_buf *bytes,
		      const struct iov_signer *signer, const char *subject, json_t **ret);

#endif
