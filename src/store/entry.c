#include "store/entry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/fs.h"

char *iov_entry_path(struct iov_ctx *ctx, const char *key)
{
	return iov_path(ctx, IOV_STATE "/store/%s", key);
}

static char *temporary_path(struct iov_ctx *ctx, const char *key)
{
	return iov_path(ctx, IOV_STATE "/store/new-%s", key);
}

static int sweep(struct iov_ctx *ctx, const char *dir)
{
	int rc = iov_fs_rmtree(dir);
	return rc ? iov_error_errno(ctx, rc, "cannot remove '%s'", dir) : IOV_OK;
}

int iov_entry_begin(struct iov_ctx *ctx, const char *key, struct iov_entry *ret)
{
	if (!iov_is_sha256_hex(key))
		return iov_error(ctx, IOV_E_INTERNAL, "'%s' is no key of the store", key);
	iov_auto(iov_free_ptr) char *dir = temporary_path(ctx, key);
	if (!dir)
		return iov_oom(ctx);
	int rc = sweep(ctx, dir);
	if (rc)
		return rc;
	rc = iov_fs_mkdirs(dir, 0755);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot make the folder '%s'", dir);
	memcpy(ret->key, key, IOV_HEX_SIZE);
	ret->dir = iov_take(dir);
	return IOV_OK;
}

void iov_entry_end(struct iov_entry *entry)
{
	if (entry->dir)
		iov_fs_rmtree(entry->dir);
	free(entry->dir);
	entry->dir = NULL;
}

int iov_entry_remove(struct iov_ctx *ctx, const char *key)
{
	iov_auto(iov_free_ptr) char *final = iov_entry_path(ctx, key);
	iov_auto(iov_free_ptr) char *dir = temporary_path(ctx, key);
	if (!final || !dir)
		return iov_oom(ctx);
	int rc = sweep(ctx, dir);
	if (rc)
		return rc;
	if (rename(final, dir) && errno != ENOENT)
		return iov_error_errno(ctx, errno, "cannot remove '%s'", final);
	return sweep(ctx, dir);
}

static int seal_at(int parent, const char *name);

static int seal_folder(int fd)
{
	DIR *dir = fdopendir(dup(fd));
	if (!dir)
		return -errno;
	int rc = 0;
	for (struct dirent *entry; !rc && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = seal_at(fd, entry->d_name);
	closedir(dir);
	return rc;
}

/* Files first, then the folder that names them. Folders stay writable for their owner, so that collecting needs no
 * privileges. */
static int seal_at(int parent, const char *name)
{
	iov_auto(iov_close_fd) int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	int rc = S_ISDIR(st.st_mode) ? seal_folder(fd) : fchmod(fd, 0444) ? -errno : 0;
	return rc ? rc : fsync(fd) ? -errno : 0;
}

int iov_entry_keep(struct iov_ctx *ctx, struct iov_entry *entry)
{
	iov_auto(iov_free_ptr) char *final = iov_entry_path(ctx, entry->key);
	iov_auto(iov_free_ptr) char *store = iov_path(ctx, IOV_STATE "/store");
	if (!final || !store)
		return iov_oom(ctx);
	int rc = seal_at(AT_FDCWD, entry->dir);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot make '%s' durable", entry->dir);
	if (rename(entry->dir, final))
		return iov_error_errno(ctx, errno, "cannot rename '%s' to '%s'", entry->dir, final);
	free(iov_take(entry->dir));
	rc = iov_fs_sync_dir(store);
	return rc ? iov_error_errno(ctx, rc, "cannot make '%s' durable", store) : IOV_OK;
}
