/*
 * Ed25519 keys in the text forms of C2SP signed notes (https://c2sp.org/signed-note):
 *   verifier key  NAME+HASH8+BASE64(0x01 || public key)
 *   signer key    PRIVATE+KEY+NAME+HASH8+BASE64(0x01 || seed)
 * HASH8 is the first four bytes of SHA-256(NAME "\n" 0x01 public key), in hex. Key files (keyfile.h) hold a signer key
 * as it is, or encrypted with a passphrase (keybox.h).
 */
#ifndef IOV_SIGN_KEY_H
#define IOV_SIGN_KEY_H

#include "core/digest.h"

#define IOV_KEY_NAME_MAX 128

struct iov_verifier {
	char name[IOV_KEY_NAME_MAX + 1];
	uint32_t hash;
	uint8_t key[32];
};
struct iov_signer {
	struct iov_verifier verifier;
	uint8_t seed[32]; /* cleansed by iov_signer_release() */
};

/* What signed notes ask of a key's name, and ASCII: printable, no space, no '+', 1 to IOV_KEY_NAME_MAX bytes. */
bool iov_is_key_name(const char *name);
/* A public key under a name; the hash follows from both. */
int iov_verifier_make(struct iov_ctx *ctx, const char *name, const uint8_t key[32], struct iov_verifier *ret);
int iov_verifier_parse(struct iov_ctx *ctx, const char *text, struct iov_verifier *ret);
char *iov_verifier_text(const struct iov_verifier *verifier); /* owned by the caller */
int iov_signer_generate(struct iov_ctx *ctx, const char *name, struct iov_signer *ret);
int iov_signer_from_seed(struct iov_ctx *ctx, const char *name, const uint8_t seed[32], struct iov_signer *ret);
int iov_signer_parse(struct iov_ctx *ctx, const char *text, struct iov_signer *ret);
char *iov_signer_text(const struct iov_signer *signer); /* a secret: cleanse it before it is freed */
void iov_signer_release(struct iov_signer *signer);

/* Raw Ed25519 over bytes. */
void iov_sign(const struct iov_signer *signer, const void *data, size_t len, uint8_t ret[64]);
bool iov_signature_is_good(const struct iov_verifier *verifier, const void *data, size_t len,
			   const uint8_t signature[64]);

#endif
