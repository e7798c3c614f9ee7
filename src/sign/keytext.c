#include "sign/keytext.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sign/base64.h"

bool iov_keytext_split(const char *text, size_t size, struct iov_keytext *ret)
{
	const char *plus = strchr(text, '+');
	size_t name_len = plus ? (size_t)(plus - text) : 0, len = 0;
	if (!plus || name_len > IOV_KEY_NAME_MAX || strlen(plus + 1) <= IOV_KEY_HASH_DIGITS ||
	    plus[1 + IOV_KEY_HASH_DIGITS] != '+')
		return false;
	memcpy(ret->name, text, name_len);
	ret->name[name_len] = '\0';
	memcpy(ret->hash, plus + 1, IOV_KEY_HASH_DIGITS);
	ret->hash[IOV_KEY_HASH_DIGITS] = '\0';
	const char *base64 = plus + IOV_KEY_HASH_DIGITS + 2;
	bool good = iov_unbase64(base64, strlen(base64), sizeof(ret->blob), ret->blob, &len) && len == size &&
		    ret->blob[0] == IOV_KEY_ED25519;
	if (!good)
		iov_keytext_release(ret);
	return good;
}

void iov_keytext_release(struct iov_keytext *text)
{
	sodium_memzero(text->blob, sizeof(text->blob));
}

bool iov_keytext_fits(const struct iov_keytext *text, const struct iov_verifier *verifier)
{
	char expected[IOV_KEY_HASH_DIGITS + 1];
	snprintf(expected, sizeof(expected), "%08x", verifier->hash);
	return !strcmp(expected, text->hash) && !strcmp(text->name, verifier->name);
}

/* Put together by hand: printf would leave copies of a seed in buffers that nobody cleanses. */
char *iov_keytext_join(const char *prefix, const struct iov_verifier *verifier, const uint8_t *blob, size_t size)
{
	size_t head = strlen(prefix) + strlen(verifier->name) + IOV_KEY_HASH_DIGITS + 2;
	char *text = malloc(head + IOV_BASE64_SIZE(size));
	if (!text)
		return NULL;
	sprintf(text, "%s%s+%08x+", prefix, verifier->name, verifier->hash);
	iov_base64(blob, size, text + head);
	return text;
}
