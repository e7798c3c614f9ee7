#include "sign/base64.h"

#include <sodium.h>
#include <string.h>

#include "util/cleanup.h"

void iov_base64(const uint8_t *data, size_t len, char *ret)
{
	sodium_bin2base64(ret, IOV_BASE64_SIZE(len), data, len, sodium_base64_VARIANT_ORIGINAL);
}

/* libsodium takes bytes above 127 for some of these. */
static bool is_base64(const char *text, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	for (size_t i = 0; i < len; i++)
		if (!text[i] || !strchr(alphabet, text[i]))
			return false;
	return true;
}

bool iov_unbase64(const char *text, size_t text_len, size_t limit, uint8_t *ret, size_t *ret_len)
{
	uint8_t *bytes = malloc(limit ? limit : 1);
	size_t len = 0;
	bool good =
		bytes && is_base64(text, text_len) &&
		!sodium_base642bin(bytes, limit, text, text_len, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) &&
		len;
	if (good) {
		memcpy(ret, bytes, len);
		*ret_len = len;
	}
	if (bytes)
		sodium_memzero(bytes, limit);
	free(bytes);
	return good;
}
