/*
 * SHA-256 of much data by OpenSSL's libcrypto, which uses what the processor has for it and is five times as fast as
 * libsodium there. It is loaded when it is first asked for: that takes 2 ms, which the commands that digest little
 * shall not pay. docs/decisions.md.
 */
#ifndef IOV_CORE_BULK_H
#define IOV_CORE_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOV_BULK_MIN (1u << 20) /* bytes from which on loading it pays */

struct iov_bulk;

struct iov_bulk *iov_bulk_new(void); /* NULL: this host has no such library, or no memory */
void iov_bulk_free(struct iov_bulk *bulk);
bool iov_bulk_add(struct iov_bulk *bulk, const void *data, size_t len);
bool iov_bulk_end(struct iov_bulk *bulk, uint8_t *ret /* 32 bytes */);

#endif
