#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#include "worker/archive.h"

static int write_error(struct iov_ctx *ctx, struct archive *archive)
{
	int err = archive_errno(archive);
	if (err == EFBIG)
		return iov_error(ctx, IOV_E_INPUT, "the archive is larger than the %u MiB allowed",
				 IOV_ARCHIVE_MAX >> 20);
	if (err == ENOSPC || err == EDQUOT || err == ENOMEM)
		return iov_error_errno(ctx, err, "cannot write the archive");
	return iov_error(ctx, IOV_E_IO, "cannot write the archive: %s", archive_error_string(archive));
}

/* Level 19 in one thread: archives are written once and fetched often, and threads would change the bytes. */
static int set_format(struct archive *archive)
{
	int rc = archive_write_set_format_pax_restricted(archive);
	rc = rc ? rc : archive_write_add_filter_zstd(archive);
	rc = rc ? rc : archive_write_set_filter_option(archive, "zstd", "compression-level", "19");
	rc = rc ? rc : archive_write_set_bytes_per_block(archive, 10240);
	return rc ? rc : archive_write_set_bytes_in_last_block(archive, 1);
}

int iov_archive_writer_open(struct iov_ctx *ctx, int fd, struct iov_archive_writer *ret)
{
	struct archive *archive = archive_write_new();
	if (!archive)
		return iov_oom(ctx);
	*ret = (struct iov_archive_writer){.archive = archive};
	int rc = set_format(archive);
	rc = rc ? rc : archive_write_open_fd(archive, fd);
	return rc ? write_error(ctx, archive) : IOV_OK;
}

/* Everything that would tell who packed, when and where, is a constant. */
static int write_header(struct archive *archive, struct archive_entry *entry, const char *path, uint64_t size)
{
	archive_entry_set_pathname(entry, path);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	return archive_write_header(archive, entry);
}

int iov_archive_writer_begin(struct iov_ctx *ctx, struct iov_archive_writer *writer, const char *path, uint64_t size)
{
	if (writer->missing)
		return iov_error(ctx, IOV_E_INTERNAL, "the file before '%s' has less bytes than announced", path);
	struct archive_entry *entry = archive_entry_new();
	if (!entry)
		return iov_oom(ctx);
	int rc = write_header(writer->archive, entry, path, size);
	archive_entry_free(entry);
	writer->missing = size;
	return rc ? write_error(ctx, writer->archive) : IOV_OK;
}

int iov_archive_writer_add(struct iov_ctx *ctx, struct iov_archive_writer *writer, const void *data, size_t len)
{
	if (len > writer->missing)
		return iov_error(ctx, IOV_E_INTERNAL, "a file has more bytes than announced");
	writer->missing -= len;
	la_ssize_t put = archive_write_data(writer->archive, data, len);
	return put < 0 || (size_t)put != len ? write_error(ctx, writer->archive) : IOV_OK;
}

int iov_archive_writer_close(struct iov_ctx *ctx, struct iov_archive_writer *writer)
{
	if (writer->missing)
		return iov_error(ctx, IOV_E_INTERNAL, "the last file has less bytes than announced");
	return archive_write_close(writer->archive) ? write_error(ctx, writer->archive) : IOV_OK;
}

void iov_archive_writer_release(struct iov_archive_writer *writer)
{
	archive_write_free(writer->archive);
	writer->archive = NULL;
}
