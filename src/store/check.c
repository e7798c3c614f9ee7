#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/entry.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define FOLDERS_MAX (IOV_PATH_MAX / 2) /* a path of the record cannot be deeper */

struct walk {
	struct iov_ctx *ctx;
	const struct iov_release *release;
	const char *top;
	bool *seen; /* by position in release->files */
};

static int refuse(const struct walk *walk, const char *path, const char *why)
{
	const struct iov_manifest *manifest = walk->release->manifest;
	return iov_error(walk->ctx, IOV_E_UNTRUSTED,
			 "'%s' %s in the store: file '%s' %s; remove '%s' and install the module again", manifest->name,
			 manifest->version.text, path, why, walk->top);
}

static int check_file(const struct walk *walk, const char *path, const char *relative, const struct stat *st)
{
	if (!strcmp(relative, IOV_RELEASE_FILE))
		return IOV_OK;
	const struct iov_file *file = iov_release_file(walk->release, relative);
	if (!file || !S_ISREG(st->st_mode))
		return refuse(walk, relative, "is not in the signed release");
	char sha256[IOV_HEX_SIZE] = "";
	int rc = (uint64_t)st->st_size == file->size ? iov_sha256_file(walk->ctx, path, sha256) : IOV_OK;
	if (rc)
		return rc;
	if (strcmp(sha256, file->sha256) != 0)
		return refuse(walk, relative, "is not what the signed release says");
	walk->seen[file - walk->release->files] = true;
	return IOV_OK;
}

static int check_folder(const struct walk *walk, const char *path, int depth);

static int check_name(const struct walk *walk, const char *folder, const char *name, int depth)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", folder, name);
	if (iov_buf_failed(&path))
		return iov_oom(walk->ctx);
	const char *relative = path.data + strlen(walk->top) + 1;
	struct stat st;
	if (lstat(path.data, &st))
		return iov_error_errno(walk->ctx, errno, "cannot read '%s'", path.data);
	if (!S_ISDIR(st.st_mode))
		return check_file(walk, path.data, relative, &st);
	return depth ? check_folder(walk, path.data, depth - 1)
		     : refuse(walk, relative, "is not in the signed release");
}

static int check_folder(const struct walk *walk, const char *path, int depth)
{
	char **names = NULL;
	size_t count = 0;
	int rc = iov_fs_names(path, &names, &count);
	if (rc)
		return iov_error_errno(walk->ctx, rc, "cannot read the folder '%s'", path);
	for (size_t i = 0; !rc && i < count; i++)
		rc = check_name(walk, path, names[i], depth);
	iov_fs_names_free(names, count);
	return rc;
}

int iov_store_check(struct iov_ctx *ctx, const struct iov_release *release)
{
	iov_auto(iov_free_ptr) char *top = iov_entry_path(ctx, release->sha256);
	iov_auto(iov_free_ptr) bool *seen = calloc(release->n_files + 1, sizeof(*seen));
	if (!top || !seen)
		return iov_oom(ctx);
	struct walk walk = {.ctx = ctx, .release = release, .top = top, .seen = seen};
	int rc = check_folder(&walk, top, FOLDERS_MAX);
	for (size_t i = 0; !rc && i < release->n_files; i++)
		if (!seen[i])
			rc = refuse(&walk, release->files[i].path, "is missing");
	return rc;
}
