#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "state/journal.h"
#include "state/saved.h"
#include "state/saved_format.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define BUFFER_MAX (256 * 1024) /* bytes that are gathered for one write */

static int cannot_write(const struct iov_saved_writer *writer, int err)
{
	return iov_error_errno(writer->ctx, err, "cannot save a map to '%s'", writer->path);
}

static int flush(struct iov_saved_writer *writer)
{
	if (iov_buf_failed(&writer->buffer))
		return iov_oom(writer->ctx);
	iov_digest_add(writer->digest, writer->buffer.data, writer->buffer.len);
	int rc = iov_fs_write_fd(writer->fd, writer->buffer.data, writer->buffer.len);
	writer->buffer.len = 0;
	return rc ? cannot_write(writer, rc) : IOV_OK;
}

static void put_number(struct iov_buf *buffer, uint64_t number)
{
	unsigned char bytes[IOV_SAVED_NUMBERS];
	iov_saved_put_number(number, bytes);
	iov_buf_add(buffer, bytes, sizeof(bytes));
}

static json_t *describe(const char *boot_id, const struct iov_object_map *map, uint32_t cpus)
{
	char when[32];
	struct tm tm;
	time_t now = time(NULL);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	return json_pack("{s:i, s:s, s:s, s:s, s:I, s:{s:s, s:s, s:I, s:I, s:I, s:I, s:O, s:s}}", "schema",
			 IOV_SAVED_SCHEMA, "boot_id", boot_id, "saved", when, "byte_order", IOV_SAVED_BYTE_ORDER,
			 "cpus", (json_int_t)cpus, "map", "name", map->name, "type", map->type, "key_size",
			 (json_int_t)map->key_size, "value_size", (json_int_t)map->value_size, "max_entries",
			 (json_int_t)map->max_entries, "flags", (json_int_t)map->flags, "layout", map->layout,
			 "fingerprint", map->fingerprint);
}

static int put_header(struct iov_saved_writer *writer, const struct iov_object_map *map, uint32_t cpus)
{
	char boot_id[40];
	int rc = iov_boot_id(writer->ctx, boot_id);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *json = describe(boot_id, map, cpus);
	iov_auto(iov_free_ptr) char *text = json ? iov_json_canonical(json) : NULL;
	if (!text)
		return iov_oom(writer->ctx);
	iov_buf_puts(&writer->buffer, IOV_SAVED_MAGIC);
	put_number(&writer->buffer, strlen(text));
	iov_buf_puts(&writer->buffer, text);
	return IOV_OK;
}

int iov_saved_create(struct iov_ctx *ctx, const char *path, const struct iov_object_map *map, uint32_t cpus,
		     struct iov_saved_writer *ret)
{
	*ret = (struct iov_saved_writer){.ctx = ctx, .fd = -1};
	ret->path = strdup(path);
	if (!ret->path || asprintf(&ret->temporary, "%s.new", path) < 0)
		return iov_oom(ctx);
	int rc = iov_digest_new(ctx, &ret->digest);
	if (rc)
		return rc;
	rc = iov_fs_mkdirs_for(path, 0700);
	if (!rc && (ret->fd = open(ret->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0)
		rc = -errno;
	return rc ? cannot_write(ret, rc) : put_header(ret, map, cpus);
}

int iov_saved_add(struct iov_saved_writer *writer, const void *data, size_t len)
{
	iov_buf_add(&writer->buffer, data, len);
	return writer->buffer.len < BUFFER_MAX ? IOV_OK : flush(writer);
}

int iov_saved_finish(struct iov_saved_writer *writer)
{
	uint8_t digest[IOV_DIGEST_SIZE];
	put_number(&writer->buffer, writer->entries);
	int rc = flush(writer);
	if (rc)
		return rc;
	iov_digest_end(writer->digest, digest);
	rc = iov_fs_write_fd(writer->fd, digest, sizeof(digest));
	if (!rc && (fsync(writer->fd) || rename(writer->temporary, writer->path)))
		rc = -errno;
	if (rc)
		return cannot_write(writer, rc);
	*strrchr(writer->temporary, '/') = '\0'; /* the folder */
	rc = iov_fs_sync_dir(writer->temporary);
	free(writer->temporary);
	writer->temporary = NULL;
	return rc ? cannot_write(writer, rc) : IOV_OK;
}

void iov_saved_writer_release(struct iov_saved_writer *writer)
{
	if (writer->temporary && writer->fd >= 0)
		unlink(writer->temporary);
	iov_close_fd(&writer->fd);
	iov_digest_free(writer->digest);
	iov_buf_release(&writer->buffer);
	free(writer->temporary);
	free(writer->path);
}
