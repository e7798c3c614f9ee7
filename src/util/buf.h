/*
 * A growing byte buffer, always NUL-terminated once it holds anything. Failure to grow is remembered, so a run of
 * appends is checked once at its end: `if (iov_buf_failed(&buf)) ...`.
 */
#ifndef IOV_UTIL_BUF_H
#define IOV_UTIL_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct iov_buf {
	char *data; /* owned; NULL while empty */
	size_t len; /* bytes, without the terminator */
	size_t cap;
	bool failed;
};

void iov_buf_release(struct iov_buf *buf);
void iov_buf_add(struct iov_buf *buf, const void *data, size_t len);
void iov_buf_puts(struct iov_buf *buf, const char *text);
void iov_buf_printf(struct iov_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void iov_buf_vprintf(struct iov_buf *buf, const char *format, va_list args);
bool iov_buf_failed(const struct iov_buf *buf);
/* The text, owned by the caller (never NULL unless an append failed); the buffer is empty afterwards. */
char *iov_buf_take(struct iov_buf *buf);

#endif
