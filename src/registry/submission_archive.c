#include "registry/submission.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

/* The file that is being unpacked, and how many came before it. */
struct unpacking {
	const struct iov_release *release;
	const struct iov_file *file; /* NULL: none has begun */
	struct iov_digest *digest;
	struct iov_buf manifest; /* the text of iov.yaml */
	size_t files;
};

static void unpacking_release(struct unpacking *unpacking)
{
	iov_digest_free(unpacking->digest);
	iov_buf_release(&unpacking->manifest);
}

static int end_file(struct iov_ctx *ctx, struct unpacking *unpacking)
{
	char sha256[IOV_HEX_SIZE];
	const struct iov_file *file = unpacking->file;
	if (!file)
		return IOV_OK;
	iov_digest_end_hex(unpacking->digest, sha256);
	iov_digest_free(unpacking->digest);
	unpacking->digest = NULL;
	unpacking->file = NULL;
	if (!strcmp(sha256, file->sha256))
		return IOV_OK;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "'%s' in the archive has SHA-256 %s, but the record says %s; pack and publish again",
			 file->path, sha256, file->sha256);
}

static int begin_file(struct iov_ctx *ctx, struct unpacking *unpacking, const char *path, uint64_t size)
{
	int rc = end_file(ctx, unpacking);
	if (rc)
		return rc;
	unpacking->file = iov_release_file(unpacking->release, path);
	if (!unpacking->file || unpacking->file->size != size)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "'%s' of %llu bytes is in the archive, but not in its record; pack and publish again",
				 path, (unsigned long long)size);
	unpacking->files++;
	return iov_digest_new_for(ctx, size, &unpacking->digest);
}

static int on_chunk(struct iov_ctx *ctx, const char *path, uint64_t size, const void *data, size_t len, void *cookie)
{
	struct unpacking *unpacking = cookie;
	if (!data)
		return begin_file(ctx, unpacking, path, size);
	iov_digest_add(unpacking->digest, data, len);
	if (strcmp(path, IOV_MANIFEST_FILE) != 0)
		return IOV_OK;
	iov_buf_add(&unpacking->manifest, data, len);
	return iov_buf_failed(&unpacking->manifest) ? iov_oom(ctx) : IOV_OK;
}

/* What people read in the archive is what machines read in the record. */
static int check_manifest(struct iov_ctx *ctx, const struct unpacking *unpacking)
{
	struct iov_manifest *manifest = NULL;
	int rc = iov_manifest_parse_yaml(ctx, IOV_MANIFEST_FILE, unpacking->manifest.data, unpacking->manifest.len,
					 &manifest);
	if (!rc && !json_equal(manifest->json, unpacking->release->manifest->json))
		rc = iov_error(ctx, IOV_E_UNTRUSTED,
			       "'" IOV_MANIFEST_FILE
			       "' in the archive says something else than its record; pack and publish again");
	iov_manifest_free(manifest);
	return rc;
}

static int compare(struct iov_ctx *ctx, const struct iov_release *release, int fd)
{
	iov_auto(unpacking_release) struct unpacking unpacking = {.release = release};
	const struct iov_unpack_limits limits = {.unpacked = release->unpacked, .files = release->n_files};
	int rc = iov_archive_unpack(ctx, fd, &limits, on_chunk, &unpacking);
	if (!rc)
		rc = end_file(ctx, &unpacking);
	if (!rc && unpacking.files != release->n_files)
		rc = iov_error(ctx, IOV_E_UNTRUSTED,
			       "the archive has %zu files, but its record names %zu; pack and publish again",
			       unpacking.files, release->n_files);
	return rc ? rc : check_manifest(ctx, &unpacking);
}

int iov_submission_check_archive(struct iov_ctx *ctx, const struct iov_submission *submission)
{
	iov_auto(iov_close_fd) int fd = memfd_create("iovpkg-archive", MFD_CLOEXEC);
	int err = fd < 0 ? -errno : iov_fs_write_fd(fd, submission->archive.data, submission->archive.len);
	if (!err && lseek(fd, 0, SEEK_SET))
		err = -errno;
	if (err)
		return iov_error_errno(ctx, err, "cannot hold the archive in memory");
	int rc = compare(ctx, submission->release, fd);
	return rc ? iov_error_prefix(ctx, "archive of '%s' %s", submission->release->manifest->name,
				     submission->release->manifest->version.text)
		  : IOV_OK;
}
