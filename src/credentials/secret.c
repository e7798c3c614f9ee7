#include "credentials/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"

void iov_secret_free(char *secret)
{
	if (secret)
		sodium_memzero(secret, strlen(secret));
	free(secret);
}

void iov_secret_wipe(struct iov_buf *buf)
{
	if (buf->data)
		sodium_memzero(buf->data, buf->cap);
	iov_buf_release(buf);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

int iov_secret_check_private(struct iov_ctx *ctx, int fd, const char *what, const char *path)
{
	struct stat st;
	if (fstat(fd, &st))
		return iov_error_errno(ctx, errno, "cannot look at %s '%s'", what, path);
	if (!S_ISREG(st.st_mode))
		return iov_error(ctx, IOV_E_INPUT, "%s '%s' is no regular file; name a file that holds the secret",
				 what, path);
	if (st.st_mode & 077)
		return iov_error(ctx, IOV_E_INPUT,
				 "%s '%s' can be read or written by others (mode %03o); run 'chmod 600 %s'", what, path,
				 st.st_mode & 0777, path);
	return IOV_OK;
}

static int check_size(struct iov_ctx *ctx, int fd, const char *what, const char *path, size_t limit)
{
	struct stat st;
	if (fstat(fd, &st))
		return iov_error_errno(ctx, errno, "cannot look at %s '%s'", what, path);
	if ((uint64_t)st.st_size > limit)
		return iov_error(ctx, IOV_E_INPUT, "%s '%s' is larger than the %zu bytes that it may have", what, path,
				 limit);
	return IOV_OK;
}

/* Into memory that does not move while it fills, so that no copy stays behind. */
static int read_all(struct iov_ctx *ctx, int fd, const char *what, const char *path, size_t limit, struct iov_buf *ret)
{
	ssize_t got = 1;
	*ret = (struct iov_buf){.data = calloc(1, limit + 1), .cap = limit + 1};
	if (!ret->data)
		return iov_oom(ctx);
	while (ret->len < limit && (got = read(fd, ret->data + ret->len, limit - ret->len)) > 0)
		ret->len += (size_t)got;
	return got < 0 ? iov_error_errno(ctx, errno, "cannot read %s '%s'", what, path) : IOV_OK;
}

int iov_secret_read_file(struct iov_ctx *ctx, const char *what, const char *path, size_t limit, struct iov_buf *ret)
{
	iov_auto(iov_secret_wipe) struct iov_buf text = {0};
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return iov_error(ctx, IOV_E_NOT_FOUND, "there is no %s '%s'", what, path);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open %s '%s'", what, path);
	int rc = iov_secret_check_private(ctx, fd, what, path);
	rc = rc ? rc : check_size(ctx, fd, what, path, limit);
	rc = rc ? rc : read_all(ctx, fd, what, path, limit, &text);
	if (rc)
		return rc;
	*ret = text;
	text = (struct iov_buf){0};
	return IOV_OK;
}

bool iov_secret_is_line(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at < 0x20 || *at == 0x7f)
			return false;
	return *text && strlen(text) <= IOV_SECRET_MAX;
}

int iov_secret_read_line(struct iov_ctx *ctx, const char *what, const char *path, char **ret)
{
	iov_auto(iov_secret_wipe) struct iov_buf text = {0};
	int rc = iov_secret_read_file(ctx, what, path, IOV_SECRET_MAX + 2, &text);
	if (rc || !text.data)
		return rc;
	size_t len = text.len;
	len -= len && text.data[len - 1] == '\n';
	len -= len && text.data[len - 1] == '\r';
	text.data[len] = '\0';
	if (strlen(text.data) != len || !iov_secret_is_line(text.data))
		return iov_error(ctx, IOV_E_INPUT,
				 "%s '%s' does not hold one line of 1 to %d bytes without control characters", what,
				 path, IOV_SECRET_MAX);
	*ret = strdup(text.data);
	return *ret ? IOV_OK : iov_oom(ctx);
}

/* ---- headers ---------------------------------------------------------------------------------------------------- */

char *iov_secret_basic(const char *username, const char *password)
{
	iov_auto(iov_secret_release) char *pair = NULL;
	iov_auto(iov_secret_release) char *encoded = NULL;
	char *header = NULL;
	int len = asprintf(&pair, "%s:%s", username, password);
	if (len < 0)
		return NULL;
	size_t size = sodium_base64_ENCODED_LEN((size_t)len, sodium_base64_VARIANT_ORIGINAL);
	encoded = malloc(size);
	if (!encoded)
		return NULL;
	sodium_bin2base64(encoded, size, (const unsigned char *)pair, (size_t)len, sodium_base64_VARIANT_ORIGINAL);
	return asprintf(&header, "Basic %s", encoded) < 0 ? NULL : header;
}

char *iov_secret_bearer(const char *token)
{
	char *header = NULL;
	return asprintf(&header, "Bearer %s", token) < 0 ? NULL : header;
}
