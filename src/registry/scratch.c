#include "registry/scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

static const char prefix[] = "submit.";

/* A folder of a process that was killed. */
static bool is_left_over(const char *name)
{
	size_t len = strlen(prefix);
	char *end;
	if (strncmp(name, prefix, len) != 0)
		return false;
	long pid = strtol(name + len, &end, 10);
	return pid > 0 && !*end && kill((pid_t)pid, 0) && errno == ESRCH;
}

/* What cannot be removed is in nobody's way. */
static void remove_left_over(struct iov_ctx *ctx)
{
	char **names = NULL;
	size_t count = 0;
	iov_auto(iov_free_ptr) char *cache = iov_path(ctx, IOV_CACHE);
	if (!cache || iov_fs_names(cache, &names, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_CACHE "/%s", names[i]);
		if (path && is_left_over(names[i]))
			iov_fs_rmtree(path);
	}
	iov_fs_names_free(names, count);
}

/* Where nothing is now. */
static int clear(struct iov_ctx *ctx, char **ret_path)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_CACHE "/%s%d", prefix, (int)getpid());
	if (!path)
		return iov_oom(ctx);
	remove_left_over(ctx);
	int err = iov_fs_rmtree(path);
	if (err)
		return iov_error_errno(ctx, err, "cannot remove '%s'", path);
	*ret_path = iov_take(path);
	return IOV_OK;
}

int iov_scratch_make(struct iov_ctx *ctx, char **ret_path)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	int rc = clear(ctx, &path);
	if (!rc)
		rc = iov_git_init(ctx, path);
	if (!rc)
		*ret_path = iov_take(path);
	return rc;
}

int iov_scratch_folder(struct iov_ctx *ctx, char **ret_path)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	int rc = clear(ctx, &path);
	int err = rc ? 0 : iov_fs_mkdirs(path, 0755);
	if (err)
		rc = iov_error_errno(ctx, err, "cannot make '%s'", path);
	if (!rc)
		*ret_path = iov_take(path);
	return rc;
}

void iov_scratch_remove(struct iov_ctx *ctx, const char *path)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	iov_fs_rmtree(path);
	iov_error_restore(ctx, saved);
}
