/* SHA-256 as lower-case hex, the only digest that iovpkg trusts. */
#ifndef IOV_CORE_DIGEST_H
#define IOV_CORE_DIGEST_H

#include "core/ctx.h"

#define IOV_DIGEST_SIZE 32
#define IOV_HEX_SIZE 65 /* with the terminator */

struct iov_digest; /* a running digest */

int iov_digest_new(struct iov_ctx *ctx, struct iov_digest **ret);
/* The same for about so many bytes: with many, a faster library is worth its loading. */
int iov_digest_new_for(struct iov_ctx *ctx, uint64_t size, struct iov_digest **ret);
void iov_digest_free(struct iov_digest *digest);
void iov_digest_add(struct iov_digest *digest, const void *data, size_t len);
void iov_digest_end(struct iov_digest *digest, uint8_t ret[IOV_DIGEST_SIZE]);
void iov_digest_end_hex(struct iov_digest *digest, char ret[IOV_HEX_SIZE]);

void iov_sha256(const void *data, size_t len, uint8_t ret[IOV_DIGEST_SIZE]);
void iov_sha256_hex(const void *data, size_t len, char ret[IOV_HEX_SIZE]);
int iov_sha256_file(struct iov_ctx *ctx, const char *path, char ret[IOV_HEX_SIZE]);

void iov_hex(const uint8_t *bytes, size_t len, char *ret /* 2 * len + 1 */);
bool iov_unhex(const char *hex, uint8_t *ret, size_t len); /* false unless exactly 2 * len lower-case digits */
bool iov_is_sha256_hex(const char *text);

#endif
