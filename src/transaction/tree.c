#include "transaction/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define MARK "generation_"
#define TREE_MODE 0700 /* pins are for root: whoever opens one can change what runs */

static const char *const names[] = {[IOV_TREE_LIVE] = "live", [IOV_TREE_STAGING] = "staging"};

char *iov_tree_path(const struct iov_ctx *ctx, enum iov_tree tree)
{
	return iov_path(ctx, IOV_PINS "/%s", names[tree]);
}

char *iov_tree_instance(const struct iov_ctx *ctx, enum iov_tree tree, const char *instance)
{
	return iov_path(ctx, IOV_PINS "/%s/%s", names[tree], instance);
}

static char *mark_path(const struct iov_ctx *ctx, enum iov_tree tree, uint64_t generation)
{
	return iov_path(ctx, IOV_PINS "/%s/" MARK "%" PRIu64, names[tree], generation);
}

bool iov_tree_exists(const struct iov_ctx *ctx, enum iov_tree tree)
{
	iov_auto(iov_free_ptr) char *path = iov_tree_path(ctx, tree);
	return path && iov_fs_exists(path);
}

bool iov_tree_has(const struct iov_ctx *ctx, enum iov_tree tree, const char *instance)
{
	iov_auto(iov_free_ptr) char *path = iov_tree_instance(ctx, tree, instance);
	return path && iov_fs_exists(path);
}

bool iov_tree_holds(const struct iov_ctx *ctx, enum iov_tree tree, uint64_t generation)
{
	iov_auto(iov_free_ptr) char *path = mark_path(ctx, tree, generation);
	return path && iov_fs_exists(path);
}

bool iov_tree_is_hidden(const struct iov_ctx *ctx, enum iov_tree tree, uint64_t generation)
{
	struct stat st;
	iov_auto(iov_free_ptr) char *path = mark_path(ctx, tree, generation);
	return path && lstat(path, &st) && errno == EACCES;
}

int iov_tree_make(struct iov_ctx *ctx, enum iov_tree tree, uint64_t generation)
{
	iov_auto(iov_free_ptr) char *path = mark_path(ctx, tree, generation);
	if (!path)
		return iov_oom(ctx);
	int rc = iov_fs_mkdirs(path, TREE_MODE);
	return rc ? iov_error_errno(ctx, rc, "cannot make the pin folder '%s'", path) : IOV_OK;
}

static void drop_marks(char **entries, size_t *count)
{
	size_t kept = 0;
	for (size_t i = 0; i < *count; i++) {
		if (strncmp(entries[i], MARK, strlen(MARK)) != 0)
			entries[kept++] = entries[i];
		else
			free(entries[i]);
	}
	*count = kept;
}

int iov_tree_instances(struct iov_ctx *ctx, enum iov_tree tree, char ***ret_names, size_t *ret_count)
{
	iov_auto(iov_free_ptr) char *path = iov_tree_path(ctx, tree);
	char **entries = NULL;
	size_t count = 0;
	if (!path)
		return iov_oom(ctx);
	int rc = iov_fs_names(path, &entries, &count);
	if (rc && rc != -ENOENT)
		return iov_error_errno(ctx, rc, "cannot list the pins in '%s'", path);
	drop_marks(entries, &count);
	*ret_names = entries;
	*ret_count = count;
	return IOV_OK;
}
