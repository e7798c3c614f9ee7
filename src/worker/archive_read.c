#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "worker/archive.h"

#define CHUNK (64 * 1024)
#define BLOCK 512	   /* of a tar */
#define FILE_OVERHEAD 4096 /* bytes of tar around a file: header, padding, a pax header for a long name */
#define END_OVERHEAD 65536 /* end marker and padding */

/*
 * Two libarchive readers, one behind the other: `outer` undoes zstd, `tar` reads what comes out. Only so can be seen
 * what follows the end of the tar, which libarchive itself ignores.
 */
struct reading {
	struct iov_ctx *ctx;
	const struct iov_unpack_limits *limits;
	iov_unpack_sink sink;
	void *cookie;
	struct archive *outer;
	struct archive *tar;
	struct iov_archive_names names;
	size_t files;
	uint64_t unpacked;   /* bytes of the files so far, as their headers say */
	uint64_t plain;	     /* bytes that came out of zstd */
	uint64_t plain_max;  /* a zstd bomb ends here */
	uint64_t last_other; /* position after the last byte that is not zero */
};

static void reading_release(struct reading *reading)
{
	archive_read_free(reading->tar);
	archive_read_free(reading->outer);
	iov_archive_names_release(&reading->names);
}

/* libarchive passes on zstd's words, but not that they speak of memory. */
#define ZSTD_NO_MEMORY "not enough memory"

static int damaged(struct reading *reading, struct archive *archive)
{
	const char *why = archive_error_string(archive);
	if (why && strstr(why, ZSTD_NO_MEMORY))
		return iov_oom(reading->ctx);
	switch (archive_errno(archive)) {
	case ENOMEM:
		return iov_oom(reading->ctx);
	case EIO:
		return iov_error_errno(reading->ctx, EIO, "cannot read the archive");
	default:
		return iov_error(reading->ctx, IOV_E_UNTRUSTED, "the archive is damaged: %s",
				 why ? why : "no reason given");
	}
}

/* ---- zstd ------------------------------------------------------------------------------------------------------- */

static uint64_t after_last_other(const char *data, size_t len)
{
	while (len && !data[len - 1])
		len--;
	return len;
}

/* The next piece of the tar; its length, 0 at the end, -1 with the error set on `into`. */
static la_ssize_t next_piece(struct archive *into, void *cookie, const void **ret)
{
	struct reading *reading = cookie;
	size_t len;
	la_int64_t offset;
	int rc = archive_read_data_block(reading->outer, ret, &len, &offset);
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK) {
		const char *why = archive_error_string(reading->outer);
		archive_set_error(into, archive_errno(reading->outer), "%s", why ? why : "zstd");
		return -1;
	}
	uint64_t used = after_last_other(*ret, len);
	if (used)
		reading->last_other = reading->plain + used;
	reading->plain += len;
	if (reading->plain <= reading->plain_max)
		return (la_ssize_t)len;
	archive_set_error(into, EILSEQ, "it unpacks to more than its release allows");
	return -1;
}

static bool is_one_zstd_stream(struct archive *outer)
{
	return archive_filter_count(outer) == 2 && archive_filter_code(outer, 0) == ARCHIVE_FILTER_ZSTD;
}

static int open_outer(struct reading *reading, const struct iov_archive_source *source)
{
	struct archive *outer = reading->outer = archive_read_new();
	struct archive_entry *whole;
	if (!outer)
		return iov_oom(reading->ctx);
	int rc = archive_read_support_format_raw(outer);
	rc = rc ? rc : archive_read_support_filter_zstd(outer);
	if (!rc && source->fd >= 0)
		rc = archive_read_open_fd(outer, source->fd, CHUNK);
	else if (!rc)
		rc = archive_read_open_memory(outer, source->data, source->len);
	rc = rc ? rc : archive_read_next_header(outer, &whole);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF && archive_errno(outer) != EILSEQ)
		return damaged(reading, outer);
	if (!is_one_zstd_stream(outer))
		return iov_error(reading->ctx, IOV_E_UNTRUSTED, "the archive is not compressed with zstd");
	return rc ? damaged(reading, outer) : IOV_OK;
}

/* ---- tar -------------------------------------------------------------------------------------------------------- */

static int open_tar(struct reading *reading)
{
	struct archive *tar = reading->tar = archive_read_new();
	if (!tar)
		return iov_oom(reading->ctx);
	int rc = archive_read_support_format_tar(tar);
	rc = rc ? rc : archive_read_open(tar, reading, NULL, next_piece, NULL);
	return rc ? damaged(reading, tar) : IOV_OK;
}

/* What an entry is, when it is not a plain file; NULL when it is. */
static const char *kind_of(struct archive_entry *entry)
{
	static const struct {
		mode_t type;
		const char *kind;
	} kinds[] = {
		{AE_IFDIR, "folder"}, {AE_IFLNK, "symbolic link"}, {AE_IFIFO, "named pipe"},
		{AE_IFCHR, "device"}, {AE_IFBLK, "device"},	   {AE_IFSOCK, "socket"},
	};
	if (archive_entry_hardlink(entry))
		return "hard link";
	if (archive_entry_symlink(entry))
		return "symbolic link";
	if (archive_entry_sparse_count(entry))
		return "file with holes";
	for (size_t i = 0; i < IOV_COUNT(kinds); i++)
		if (kinds[i].type == archive_entry_filetype(entry))
			return kinds[i].kind;
	return archive_entry_filetype(entry) == AE_IFREG ? NULL : "entry of unknown kind";
}

static int check_limits(struct reading *reading, const char *path, int64_t size)
{
	const struct iov_unpack_limits *limits = reading->limits;
	if (size < 0)
		return iov_error(reading->ctx, IOV_E_UNTRUSTED, "the archive holds the file '%s' of negative size",
				 path);
	if (reading->files == limits->files)
		return iov_error(reading->ctx, IOV_E_UNTRUSTED,
				 "the archive holds more than the %zu files that its release allows", limits->files);
	if ((uint64_t)size > limits->unpacked - reading->unpacked)
		return iov_error(
			reading->ctx, IOV_E_UNTRUSTED,
			"the archive's files, up to '%s', are larger than the %llu bytes that its release allows", path,
			(unsigned long long)limits->unpacked);
	reading->files++;
	reading->unpacked += (uint64_t)size;
	return IOV_OK;
}

static int check_entry(struct reading *reading, struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);
	int rc = iov_archive_names_add(reading->ctx, &reading->names, path);
	if (rc)
		return rc;
	const char *kind = kind_of(entry);
	if (kind)
		return iov_error(reading->ctx, IOV_E_UNTRUSTED,
				 "the archive holds the %s '%s'; it may hold plain files only", kind, path);
	return check_limits(reading, path, archive_entry_size(entry));
}

static int read_file(struct reading *reading, struct archive_entry *entry)
{
	char chunk[CHUNK];
	const char *path = archive_entry_pathname(entry);
	uint64_t size = (uint64_t)archive_entry_size(entry);
	int rc = reading->sink(reading->ctx, path, size, NULL, 0, reading->cookie);
	for (uint64_t left = size; left && !rc;) {
		la_ssize_t got = archive_read_data(reading->tar, chunk, left < CHUNK ? left : CHUNK);
		if (got <= 0)
			return damaged(reading, reading->tar);
		left -= (uint64_t)got;
		rc = reading->sink(reading->ctx, path, size, chunk, (size_t)got, reading->cookie);
	}
	return rc;
}

static int read_entries(struct reading *reading)
{
	struct archive_entry *entry;
	int rc;
	while ((rc = archive_read_next_header(reading->tar, &entry)) == ARCHIVE_OK) {
		rc = check_entry(reading, entry);
		rc = rc ? rc : read_file(reading, entry);
		if (rc)
			return rc;
	}
	return rc == ARCHIVE_EOF ? IOV_OK : damaged(reading, reading->tar);
}

/* After the last file come at least two blocks of zeros, and nothing else. */
static int check_end(struct reading *reading)
{
	const void *piece;
	la_ssize_t got;
	while ((got = next_piece(reading->tar, reading, &piece)) > 0)
		;
	if (got < 0)
		return damaged(reading, reading->tar);
	if (reading->last_other > (uint64_t)archive_filter_bytes(reading->tar, 0))
		return iov_error(reading->ctx, IOV_E_UNTRUSTED, "the archive goes on after its end");
	if (reading->plain - reading->last_other < 2 * BLOCK)
		return iov_error(reading->ctx, IOV_E_UNTRUSTED, "the archive is cut off: it has no end marker");
	return IOV_OK;
}

int iov_archive_read(struct iov_ctx *ctx, const struct iov_archive_source *source,
		     const struct iov_unpack_limits *limits, iov_unpack_sink sink, void *cookie)
{
	iov_auto(reading_release) struct reading reading = {
		.ctx = ctx, .limits = limits, .sink = sink, .cookie = cookie};
	reading.plain_max = limits->unpacked + (uint64_t)limits->files * FILE_OVERHEAD + END_OVERHEAD;
	int rc = open_outer(&reading, source);
	rc = rc ? rc : open_tar(&reading);
	rc = rc ? rc : read_entries(&reading);
	return rc ? rc : check_end(&reading);
}
