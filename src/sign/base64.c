#include "sign/base64.h"

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "util/cleanup.h"

void iov_base64(const uint8_t *data, size_t len, char *ret)
{
	EVP_EncodeBlock((unsigned char *)ret, data, (int)len);
}

static size_t padding(const char *text, size_t len)
{
	if (text[len - 1] != '=')
		return 0;
	return text[len - 2] == '=' ? 2 : 1;
}

/* OpenSSL skips white space and ignores stray bits, so the bytes are encoded again and compared: what is signed has one
 * spelling. */
static bool is_canonical(const char *text, size_t len, const uint8_t *bytes, size_t n_bytes)
{
	char *again = malloc(IOV_BASE64_SIZE(n_bytes));
	if (!again)
		return false;
	iov_base64(bytes, n_bytes, again);
	bool same = strlen(again) == len && !CRYPTO_memcmp(again, text, len);
	OPENSSL_cleanse(again, IOV_BASE64_SIZE(n_bytes));
	free(again);
	return same;
}

bool iov_unbase64(const char *text, size_t text_len, size_t limit, uint8_t *ret, size_t *ret_len)
{
	if (!text_len || text_len % 4 || text_len / 4 * 3 > limit + 2)
		return false;
	uint8_t *block = malloc(text_len / 4 * 3);
	if (!block)
		return false;
	size_t len = text_len / 4 * 3 - padding(text, text_len);
	bool good = EVP_DecodeBlock(block, (const unsigned char *)text, (int)text_len) == (int)(text_len / 4 * 3) &&
		    len <= limit && is_canonical(text, text_len, block, len);
	if (good) {
		memcpy(ret, block, len);
		*ret_len = len;
	}
	OPENSSL_cleanse(block, text_len / 4 * 3);
	free(block);
	return good;
}
