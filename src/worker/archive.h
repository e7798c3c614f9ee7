/*
 * Reading and writing module archives with libarchive: one zstd stream, in it one tar of plain files, sorted by path.
 * The format is fixed in docs/archive-format.md; what deviates from it is refused, IOV_E_UNTRUSTED.
 */
#ifndef IOV_WORKER_ARCHIVE_H
#define IOV_WORKER_ARCHIVE_H

#include "core/release.h"
#include "worker/worker.h"

/* An archive in an open file, or in memory (fd -1). */
struct iov_archive_source {
	int fd;
	const void *data;
	size_t len;
};

/* Calls the sink for each file and its bytes, as iov_archive_unpack() does. What the sink got before an error is not to
 * be used. */
int iov_archive_read(struct iov_ctx *ctx, const struct iov_archive_source *source,
		     const struct iov_unpack_limits *limits, iov_unpack_sink sink, void *cookie);

/* The names seen so far in an archive. */
struct iov_archive_names {
	void *tree; /* of tsearch(3): every file and every folder above one, by its name without regard to case */
	char last[IOV_PATH_MAX + 1];
};
void iov_archive_names_release(struct iov_archive_names *names);
/* Refuses a name that is no plain relative path, that does not come after the one before it, or that meets another one
 * on a file system without upper and lower case. `path` may be NULL: a name that could not be read. */
int iov_archive_names_add(struct iov_ctx *ctx, struct iov_archive_names *names, const char *path);

/* Writing. Files come in order; each gets exactly `size` bytes. */
struct iov_archive_writer {
	void *archive;
	uint64_t missing; /* bytes of the file begun last */
};
int iov_archive_writer_open(struct iov_ctx *ctx, int fd, struct iov_archive_writer *ret);
int iov_archive_writer_begin(struct iov_ctx *ctx, struct iov_archive_writer *writer, const char *path, uint64_t size);
int iov_archive_writer_add(struct iov_ctx *ctx, struct iov_archive_writer *writer, const void *data, size_t len);
int iov_archive_writer_close(struct iov_ctx *ctx, struct iov_archive_writer *writer);
void iov_archive_writer_release(struct iov_archive_writer *writer);

#endif
