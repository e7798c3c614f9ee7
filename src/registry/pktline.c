#include "registry/pktline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define HEAD 4 /* bytes of length */

static int broken(struct iov_ctx *ctx, const char *why)
{
	return iov_error(ctx, IOV_E_INPUT,
			 "git does not speak as a hook is spoken to: %s; this is run by git, as the hook proc-receive",
			 why);
}

static int read_exactly(struct iov_ctx *ctx, int fd, char *data, size_t len)
{
	while (len) {
		ssize_t got = read(fd, data, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return iov_error_errno(ctx, errno, "cannot read what git says");
		if (!got)
			return broken(ctx, "it stops in the middle");
		data += got;
		len -= (size_t)got;
	}
	return IOV_OK;
}

/* False for anything but four hex digits. */
static bool parse_length(const char *text, size_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	size_t length = 0;
	for (size_t i = 0; i < HEAD; i++) {
		char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + 'a' - 'A') : text[i];
		const char *digit = c ? strchr(digits, c) : NULL;
		if (!digit)
			return false;
		length = length << 4 | (size_t)(digit - digits);
	}
	*ret = length;
	return true;
}

int iov_pkt_read(struct iov_ctx *ctx, int fd, struct iov_pkt *ret)
{
	char head[HEAD];
	size_t length;
	int rc = read_exactly(ctx, fd, head, HEAD);
	if (rc)
		return rc;
	if (!parse_length(head, &length))
		return broken(ctx, "a line begins without its length");
	ret->flush = !length;
	ret->len = length > HEAD ? length - HEAD : 0;
	if (length && (length < HEAD || ret->len > IOV_PKT_MAX))
		return broken(ctx, "a line has a length that none can have");
	rc = read_exactly(ctx, fd, ret->data, ret->len);
	ret->data[ret->len] = '\0';
	return rc;
}

static int write_all(struct iov_ctx *ctx, int fd, const char *data, size_t len)
{
	int err = iov_fs_write_fd(fd, data, len);
	return err ? iov_error_errno(ctx, err, "cannot answer git") : IOV_OK;
}

int iov_pkt_write(struct iov_ctx *ctx, int fd, const char *data, size_t len)
{
	char head[HEAD + 1];
	if (len > IOV_PKT_MAX)
		return iov_error(ctx, IOV_E_INTERNAL, "%zu bytes do not fit into one line to git", len);
	snprintf(head, sizeof(head), "%04zx", len + HEAD);
	int rc = write_all(ctx, fd, head, HEAD);
	return rc ? rc : write_all(ctx, fd, data, len);
}

int iov_pkt_flush(struct iov_ctx *ctx, int fd)
{
	return write_all(ctx, fd, "0000", HEAD);
}
