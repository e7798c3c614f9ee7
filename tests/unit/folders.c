#include "folders.h"

#include <stdlib.h>
#include <string.h>

static const struct iov_git_file *find(const struct unit_folder *folder, const char *path)
{
	for (size_t i = 0; i < folder->files.count; i++)
		if (!strcmp(folder->files.files[i].path, path))
			return &folder->files.files[i];
	return NULL;
}

static int read_folder(struct iov_ctx *ctx, const struct iov_source *source, const char *const *paths, size_t count,
		       size_t limit, struct iov_buf *ret)
{
	struct unit_folder *folder = source->data;
	folder->questions++;
	for (size_t i = 0; i < count; i++) {
		const struct iov_git_file *file = find(folder, paths[i]);
		if (!file || !file->data)
			continue;
		if (file->len > limit)
			return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' is longer than %zu bytes", paths[i], limit);
		iov_buf_add(&ret[i], file->data, file->len);
	}
	return IOV_OK;
}

struct iov_source unit_folder_source(struct unit_folder *folder)
{
	return (struct iov_source){.read = read_folder, .data = folder};
}

void unit_folder_apply(struct iov_ctx *ctx, struct unit_folder *folder, const struct iov_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct iov_git_file *file = &changes->files[i];
		if (file->data)
			unit_ok(ctx, iov_changes_put(ctx, &folder->files, file->path, file->data, file->len));
		else
			unit_ok(ctx, iov_changes_remove(ctx, &folder->files, file->path));
	}
}

void unit_folder_release(struct unit_folder *folder)
{
	iov_changes_release(&folder->files);
}
