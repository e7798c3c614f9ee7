#include "forge.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define FILE_MAX (64u << 20)

char *forge_path(const char *tree, const char *file)
{
	char *path = NULL;
	return asprintf(&path, "%s%s%s", *file == '/' ? "" : tree, *file == '/' ? "" : "/", file) < 0 ? NULL : path;
}

int forge_read(struct iov_ctx *ctx, const char *tree, const char *file, struct iov_buf *ret)
{
	iov_auto(iov_free_ptr) char *path = forge_path(tree, file);
	int err = path ? iov_fs_read(path, FILE_MAX, ret) : -ENOMEM;
	return err ? iov_error_errno(ctx, err, "cannot read '%s'", path) : IOV_OK;
}

int forge_write(struct iov_ctx *ctx, const char *tree, const char *file, const void *data, size_t len)
{
	iov_auto(iov_free_ptr) char *path = forge_path(tree, file);
	int err = path ? iov_fs_mkdirs_for(path, 0755) : -ENOMEM;
	if (!err)
		err = iov_fs_replace(path, data, len, 0644);
	return err ? iov_error_errno(ctx, err, "cannot write '%s'", path) : IOV_OK;
}

/* The tree is source->repo. */
static int read_tree(struct iov_ctx *ctx, const struct iov_source *source, const char *const *paths, size_t count,
		     size_t limit, struct iov_buf *ret)
{
	(void)limit;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < count; i++) {
		iov_auto(iov_free_ptr) char *path = forge_path(source->repo, paths[i]);
		if (path && iov_fs_exists(path))
			rc = forge_read(ctx, source->repo, paths[i], &ret[i]);
	}
	return rc;
}

int forge_write_changes(struct iov_ctx *ctx, const char *tree, const struct iov_changes *changes)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < changes->count; i++) {
		const struct iov_git_file *file = &changes->files[i];
		iov_auto(iov_free_ptr) char *path = forge_path(tree, file->path);
		if (file->data)
			rc = forge_write(ctx, tree, file->path, file->data, file->len);
		else if (path)
			unlink(path);
	}
	return rc;
}

struct iov_source forge_source(const char *tree)
{
	return (struct iov_source){.read = read_tree, .repo = tree};
}
