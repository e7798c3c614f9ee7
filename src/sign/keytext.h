/* What the text forms of keys share: NAME+HASH8+BASE64 at their end. */
#ifndef IOV_SIGN_KEYTEXT_H
#define IOV_SIGN_KEYTEXT_H

#include "sign/key.h"

#define IOV_KEY_ED25519 0x01 /* signature type of C2SP signed notes */
#define IOV_KEY_HASH_DIGITS 8
#define IOV_KEY_BLOB_MAX 160 /* bytes behind the base64 of any form */

struct iov_keytext {
	char name[IOV_KEY_NAME_MAX + 1];
	char hash[IOV_KEY_HASH_DIGITS + 1];
	uint8_t blob[IOV_KEY_BLOB_MAX]; /* begins with the type */
};

/* False unless the base64 holds exactly `size` bytes of type Ed25519. Wipes *ret then. */
bool iov_keytext_split(const char *text, size_t size, struct iov_keytext *ret);
void iov_keytext_release(struct iov_keytext *text); /* it may be a secret */
bool iov_keytext_fits(const struct iov_keytext *text, const struct iov_verifier *verifier);
/* PREFIX NAME+HASH8+BASE64. Owned by the caller; a secret where the blob is one. NULL: no memory. */
char *iov_keytext_join(const char *prefix, const struct iov_verifier *verifier, const uint8_t *blob, size_t size);

#endif
