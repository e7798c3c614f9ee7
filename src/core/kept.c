#include "core/kept.h"

#include <string.h>

#include "core/digest.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* What stands before the document: magic, digest and newline. */
static void add_header(struct iov_buf *out, const char *magic, const char *body, size_t len)
{
	char digest[IOV_HEX_SIZE];
	iov_sha256_hex(body, len, digest);
	iov_buf_printf(out, "%s %s\n", magic, digest);
}

/* 0: the header is not that of what follows it. */
static size_t header_size(const struct iov_buf *text, const char *magic)
{
	iov_auto(iov_buf_release) struct iov_buf expected = {0};
	size_t size = strlen(magic) + 1 + IOV_HEX_SIZE;
	if (text->len < size)
		return 0;
	add_header(&expected, magic, text->data + size, text->len - size);
	return !iov_buf_failed(&expected) && !memcmp(expected.data, text->data, size) ? size : 0;
}

json_t *iov_kept_read(const char *path, const char *magic, size_t limit)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t header = iov_fs_read(path, limit, &text) ? 0 : header_size(&text, magic);
	return header ? json_loadb(text.data + header, text.len - header, 0, NULL) : NULL;
}

void iov_kept_write(const char *path, const char *magic, const json_t *json)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *body = json ? iov_json_canonical(json) : NULL;
	if (!body)
		return;
	add_header(&text, magic, body, strlen(body));
	iov_buf_puts(&text, body);
	if (!iov_buf_failed(&text) && !iov_fs_mkdirs_for(path, 0755))
		iov_fs_replace(path, text.data, text.len, 0644);
}
