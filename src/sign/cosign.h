/*
 * Cosignatures of witnesses, https://c2sp.org/tlog-cosignature, version 1 with Ed25519: a signature line whose bytes
 * are key id, time (64 bits, big-endian) and a signature over "cosignature/v1\ntime T\n" and the checkpoint's text. The
 * key id is that of the key with type 0x04, so that a cosignature never passes for the signature of a note.
 */
#ifndef IOV_SIGN_COSIGN_H
#define IOV_SIGN_COSIGN_H

#include "core/json.h"
#include "sign/key.h"

/* A witness's key: as witnesses publish it (type 0x04), or as 'iovpkg key show' prints it. ret->hash is the key id of
 * its cosignatures. */
int iov_witness_parse(struct iov_ctx *ctx, const char *text, struct iov_verifier *ret);
char *iov_witness_text(const struct iov_verifier *key); /* with type 0x04; owned by the caller; NULL: no memory */

/* One cosignature line over a checkpoint's text (which ends in a newline), without its end. Owned by the caller. */
int iov_cosign(struct iov_ctx *ctx, const struct iov_signer *witness, const char *text, uint64_t time, char **ret_line);
/* A good cosignature of this witness among the lines (strings) of a checkpoint? */
bool iov_cosigned_by(const struct iov_verifier *witness, const json_t *lines, const char *text);
/* The name in a signature line "— NAME BASE64"; *ret_len 0: it is none. Borrowed. */
const char *iov_line_name(const char *line, size_t *ret_len);

#endif
