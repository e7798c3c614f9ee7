/* Standard base64 (RFC 4648, section 4) with padding. Decoding takes the one canonical spelling of the bytes and
 * nothing else. */
#ifndef IOV_SIGN_BASE64_H
#define IOV_SIGN_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOV_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1) /* with the terminator */

void iov_base64(const uint8_t *data, size_t len, char *ret /* IOV_BASE64_SIZE(len) */);
/* `text` need not be terminated. False unless it decodes to between 1 and `limit` bytes. */
bool iov_unbase64(const char *text, size_t text_len, size_t limit, uint8_t *ret, size_t *ret_len);

#endif
