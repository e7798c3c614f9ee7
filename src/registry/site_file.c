#include "registry/site_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/release.h"
#include "registry/head.h"
#include "registry/submission.h"
#include "util/cleanup.h"
#include "util/fs.h"

static char *path_in(const char *folder, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int cannot(struct iov_ctx *ctx, int err, const char *path)
{
	return iov_error_errno(ctx, err, "cannot write '%s'", path);
}

/* A name that no server gives out. */
static char *beside(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char *text = NULL;
	return asprintf(&text, "%.*s.%s.new", (int)(name - path), path, name) < 0 ? NULL : text;
}

static int write_to(const char *path, const void *data, size_t len)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : iov_fs_write_fd(fd, data, len);
}

int iov_site_put(struct iov_ctx *ctx, const char *folder, const char *name, const struct iov_buf *text)
{
	iov_auto(iov_free_ptr) char *path = path_in(folder, name);
	iov_auto(iov_free_ptr) char *new = path ? beside(path) : NULL;
	if (!new)
		return iov_oom(ctx);
	int err = iov_fs_mkdirs_for(path, 0755);
	if (!err)
		err = write_to(new, text->data, text->len);
	if (!err && rename(new, path))
		err = -errno;
	if (!err)
		return IOV_OK;
	unlink(new);
	return cannot(ctx, err, path);
}

int iov_site_put_head(struct iov_ctx *ctx, const char *folder, const struct iov_buf *text)
{
	struct stat st;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL)}};
	iov_auto(iov_free_ptr) char *path = path_in(folder, IOV_HEAD_PATH);
	iov_auto(iov_free_ptr) char *new = path ? beside(path) : NULL;
	if (!new)
		return iov_oom(ctx);
	if (!stat(path, &st) && st.st_mtim.tv_sec >= times[1].tv_sec)
		times[1].tv_sec = st.st_mtim.tv_sec + 1;
	int err = write_to(new, text->data, text->len);
	if (!err && (utimensat(AT_FDCWD, new, times, 0) || rename(new, path)))
		err = -errno;
	if (!err)
		err = iov_fs_sync_dir(folder);
	if (!err)
		return IOV_OK;
	unlink(new);
	return cannot(ctx, err, path);
}

/* ---- archives ---- */

struct sink {
	int fd;
	const char *path;
	struct iov_digest *digest;
};

static int write_chunk(struct iov_ctx *ctx, const void *data, size_t len, void *cookie)
{
	const struct sink *sink = cookie;
	iov_digest_add(sink->digest, data, len);
	int err = iov_fs_write_fd(sink->fd, data, len);
	return err ? cannot(ctx, err, sink->path) : IOV_OK;
}

static int stream(struct iov_ctx *ctx, const char *repo, const char *commit, const char *sha256, const char *path)
{
	char hex[IOV_HEX_SIZE] = "";
	struct sink sink = {.path = path};
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return cannot(ctx, errno, path);
	sink.fd = fd;
	int rc = iov_digest_new(ctx, &sink.digest);
	if (rc)
		return rc;
	rc = iov_git_stream(ctx, repo, commit, IOV_ARCHIVE_PATH, IOV_ARCHIVE_MAX, write_chunk, &sink);
	if (!rc)
		iov_digest_end_hex(sink.digest, hex);
	iov_digest_free(sink.digest);
	if (!rc && strcmp(hex, sha256) != 0)
		rc = iov_error(ctx, IOV_E_UNTRUSTED, "the archive at '" IOV_PACKAGE_REFS "%s' of '%s' is another one",
			       sha256, repo);
	return rc;
}

int iov_site_put_archive(struct iov_ctx *ctx, const char *folder, const char *repo, const char *commit,
			 const char *sha256, bool *ret_new)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	iov_auto(iov_free_ptr) char *new = NULL;
	if (asprintf(&path, "%s/packages/%.2s/%s", folder, sha256, sha256) < 0) {
		path = NULL;
		return iov_oom(ctx);
	}
	*ret_new = !iov_fs_exists(path);
	if (!*ret_new)
		return IOV_OK;
	if (!(new = beside(path)))
		return iov_oom(ctx);
	int err = iov_fs_mkdirs_for(path, 0755);
	if (err)
		return cannot(ctx, err, path);
	int rc = stream(ctx, repo, commit, sha256, new);
	if (!rc && rename(new, path))
		rc = cannot(ctx, errno, path);
	if (rc)
		unlink(new);
	return rc;
}
