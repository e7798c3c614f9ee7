#include "util/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void iov_buf_release(struct iov_buf *buf)
{
	free(buf->data);
	*buf = (struct iov_buf){0};
}

static bool reserve(struct iov_buf *buf, size_t more)
{
	size_t need = buf->len + more + 1;
	if (buf->failed || need < buf->len) {
		buf->failed = true;
		return false;
	}
	if (need <= buf->cap)
		return true;
	size_t cap = buf->cap * 2 > need ? buf->cap * 2 : need + 64;
	char *data = realloc(buf->data, cap);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->cap = cap;
	return true;
}

void iov_buf_add(struct iov_buf *buf, const void *data, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void iov_buf_puts(struct iov_buf *buf, const char *text)
{
	iov_buf_add(buf, text, strlen(text));
}

void iov_buf_vprintf(struct iov_buf *buf, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0 || !reserve(buf, (size_t)len)) {
		buf->failed = true;
		return;
	}
	vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	buf->len += (size_t)len;
}

void iov_buf_printf(struct iov_buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(buf, format, args);
	va_end(args);
}

bool iov_buf_failed(const struct iov_buf *buf)
{
	return buf->failed;
}

char *iov_buf_take(struct iov_buf *buf)
{
	iov_buf_add(buf, "", 0);
	char *data = buf->failed ? NULL : buf->data;
	if (buf->failed)
		free(buf->data);
	*buf = (struct iov_buf){0};
	return data;
}
