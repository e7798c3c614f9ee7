#include "registry/changes.h"

#include <string.h>

#include "util/cleanup.h"

static struct iov_git_file *find(struct iov_changes *changes, const char *path)
{
	for (size_t i = 0; i < changes->count; i++)
		if (!strcmp(changes->files[i].path, path))
			return &changes->files[i];
	return NULL;
}

static struct iov_git_file *append(struct iov_changes *changes, const char *path)
{
	struct iov_git_file *files = realloc(changes->files, (changes->count + 1) * sizeof(*files));
	if (!files)
		return NULL;
	changes->files = files;
	files[changes->count] = (struct iov_git_file){.path = strdup(path)};
	return files[changes->count].path ? &files[changes->count++] : NULL;
}

/* Takes `data` over, also when it fails. */
static int set(struct iov_ctx *ctx, struct iov_changes *changes, const char *path, void *data, size_t len)
{
	struct iov_git_file *file = find(changes, path);
	if (!file)
		file = append(changes, path);
	if (!file) {
		free(data);
		return iov_oom(ctx);
	}
	free((void *)file->data);
	file->data = data;
	file->len = len;
	return IOV_OK;
}

int iov_changes_put(struct iov_ctx *ctx, struct iov_changes *changes, const char *path, const void *data, size_t len)
{
	char *copy = malloc(len + 1);
	if (!copy)
		return iov_oom(ctx);
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return set(ctx, changes, path, copy, len);
}

int iov_changes_remove(struct iov_ctx *ctx, struct iov_changes *changes, const char *path)
{
	return set(ctx, changes, path, NULL, 0);
}

void iov_changes_release(struct iov_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free((void *)changes->files[i].path);
		free((void *)changes->files[i].data);
	}
	free(changes->files);
	*changes = (struct iov_changes){0};
}
