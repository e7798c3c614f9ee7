/*
 * A signer key encrypted with a passphrase, as one line of text (docs/keys.md has the form byte by byte):
 *   ENCRYPTED+KEY+NAME+HASH8+BASE64(type, version, public key, passes, memory, salt, nonce, sealed seed)
 * The key that seals is Argon2id of the passphrase; the seal is XChaCha20-Poly1305, over everything before it too. Name
 * and public key can be read without the passphrase.
 */
#ifndef IOV_SIGN_KEYBOX_H
#define IOV_SIGN_KEYBOX_H

#include "sign/key.h"

#define IOV_KEYBOX_SALT 16
#define IOV_KEYBOX_NONCE 24
#define IOV_KEYBOX_SEALED 48 /* the seed and its tag */

/* What a guess costs. Files may ask for more, up to the limits: a file from elsewhere must not eat a host's memory. */
#define IOV_KEYBOX_PASSES 3
#define IOV_KEYBOX_MEMORY 65536 /* KiB; with three passes the second choice of RFC 9106 */
#define IOV_KEYBOX_PASSES_MAX 16
#define IOV_KEYBOX_MEMORY_MIN 8
#define IOV_KEYBOX_MEMORY_MAX (1u << 20)

struct iov_keybox {
	struct iov_verifier verifier;
	uint32_t passes, memory; /* memory in KiB */
	uint8_t salt[IOV_KEYBOX_SALT], nonce[IOV_KEYBOX_NONCE], sealed[IOV_KEYBOX_SEALED];
};

/* `box` gives passes and memory; all else of it is written. */
int iov_keybox_seal(struct iov_ctx *ctx, const struct iov_signer *signer, const char *passphrase,
		    struct iov_keybox *box);
/* IOV_E_PERMISSION: a wrong passphrase. */
int iov_keybox_open(struct iov_ctx *ctx, const struct iov_keybox *box, const char *passphrase, struct iov_signer *ret);

int iov_keybox_wrong_passphrase(struct iov_ctx *ctx, const struct iov_keybox *box); /* the error */

bool iov_is_keybox(const char *text);
int iov_keybox_parse(struct iov_ctx *ctx, const char *text, struct iov_keybox *ret);
char *iov_keybox_text(const struct iov_keybox *box); /* owned by the caller; NULL: no memory */

#endif
