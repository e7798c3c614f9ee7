/*
 * libbpf's messages. Its print function is one for the whole process, so it is set once, to a logger that is silent
 * unless the calling thread has named a buffer for what libbpf says meanwhile.
 */
#ifndef IOV_UTIL_LIBBPF_H
#define IOV_UTIL_LIBBPF_H

#include "util/buf.h"

#define IOV_LIBBPF_LOG_MAX                                                                                             \
	(1u << 20) /* bytes kept; a verifier's log may be 16 MB, and the first fault stands at the end of a call's own \
		      log buffer */

/* Call it before any other use of libbpf; calling it again costs nothing. */
void iov_libbpf_quiet(void);
/* Warnings and notes of this thread go to `log` from now on, which stays the caller's; NULL: nowhere. Calls
 * iov_libbpf_quiet(). */
void iov_libbpf_log_to(struct iov_buf *log);
/* The first line of a log without "libbpf: ", for error texts: "" when it is empty. */
void iov_libbpf_reason(const struct iov_buf *log, char *ret, size_t size);

#endif
