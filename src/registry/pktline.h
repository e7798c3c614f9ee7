/* git's pkt-lines: four hex digits of length, which count themselves, and the payload; "0000" is a flush.
 * gitprotocol-common(5). */
#ifndef IOV_REGISTRY_PKTLINE_H
#define IOV_REGISTRY_PKTLINE_H

#include "core/ctx.h"

#define IOV_PKT_MAX 65516 /* bytes of payload: what git allows itself */

struct iov_pkt {
	bool flush;
	size_t len;
	char data[IOV_PKT_MAX + 1]; /* ends with a NUL after `len` bytes */
};

/* The next one from a descriptor that blocks. IOV_E_INPUT: it is none, or the input ends. */
int iov_pkt_read(struct iov_ctx *ctx, int fd, struct iov_pkt *ret);
int iov_pkt_write(struct iov_ctx *ctx, int fd, const char *data, size_t len);
int iov_pkt_flush(struct iov_ctx *ctx, int fd);

#endif
