#include "core/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/bulk.h"
#include "util/cleanup.h"

#define CHUNK (64 * 1024)

struct iov_digest {
	crypto_hash_sha256_state state;
	struct iov_bulk *bulk; /* instead of it; NULL: none */
	bool failed;	       /* that one, which is told by a digest that nothing has */
};

int iov_digest_new(struct iov_ctx *ctx, struct iov_digest **ret)
{
	return iov_digest_new_for(ctx, 0, ret);
}

int iov_digest_new_for(struct iov_ctx *ctx, uint64_t size, struct iov_digest **ret)
{
	struct iov_digest *digest = calloc(1, sizeof(*digest));
	if (!digest)
		return iov_oom(ctx);
	if (size >= IOV_BULK_MIN)
		digest->bulk = iov_bulk_new();
	crypto_hash_sha256_init(&digest->state);
	*ret = digest;
	return IOV_OK;
}

void iov_digest_free(struct iov_digest *digest)
{
	if (digest)
		iov_bulk_free(digest->bulk);
	free(digest);
}

void iov_digest_add(struct iov_digest *digest, const void *data, size_t len)
{
	if (!digest->bulk)
		crypto_hash_sha256_update(&digest->state, data, len);
	else if (!iov_bulk_add(digest->bulk, data, len))
		digest->failed = true;
}

void iov_digest_end(struct iov_digest *digest, uint8_t ret[IOV_DIGEST_SIZE])
{
	if (!digest->bulk)
		crypto_hash_sha256_final(&digest->state, ret);
	else if (!iov_bulk_end(digest->bulk, ret) || digest->failed)
		memset(ret, 0, IOV_DIGEST_SIZE);
}

void iov_digest_end_hex(struct iov_digest *digest, char ret[IOV_HEX_SIZE])
{
	uint8_t bytes[IOV_DIGEST_SIZE];
	iov_digest_end(digest, bytes);
	iov_hex(bytes, sizeof(bytes), ret);
}

void iov_sha256(const void *data, size_t len, uint8_t ret[IOV_DIGEST_SIZE])
{
	crypto_hash_sha256(ret, data, len);
}

void iov_sha256_hex(const void *data, size_t len, char ret[IOV_HEX_SIZE])
{
	uint8_t bytes[IOV_DIGEST_SIZE];
	iov_sha256(data, len, bytes);
	iov_hex(bytes, sizeof(bytes), ret);
}

static void free_digest(struct iov_digest **digest)
{
	iov_digest_free(*digest);
}

int iov_sha256_file(struct iov_ctx *ctx, const char *path, char ret[IOV_HEX_SIZE])
{
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open '%s'", path);
	struct stat st;
	iov_auto(free_digest) struct iov_digest *digest = NULL;
	int rc = iov_digest_new_for(ctx, fstat(fd, &st) ? 0 : (uint64_t)st.st_size, &digest);
	if (!digest)
		return rc;
	for (;;) {
		char chunk[CHUNK];
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return iov_error_errno(ctx, errno, "cannot read '%s'", path);
		if (got == 0)
			break;
		iov_digest_add(digest, chunk, (size_t)got);
	}
	iov_digest_end_hex(digest, ret);
	return IOV_OK;
}

void iov_hex(const uint8_t *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = '\0';
}

/* -1 for what is no lower-case hex digit: one digest has one spelling. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool iov_unhex(const char *hex, uint8_t *ret, size_t len)
{
	if (strlen(hex) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool iov_is_sha256_hex(const char *text)
{
	uint8_t bytes[IOV_DIGEST_SIZE];
	return iov_unhex(text, bytes, sizeof(bytes));
}
