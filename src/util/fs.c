#include "util/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

int iov_fs_read(const char *path, size_t limit, struct iov_buf *ret)
{
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	for (;;) {
		char chunk[16384];
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		if (ret->len + (size_t)got > limit)
			return -EFBIG;
		iov_buf_add(ret, chunk, (size_t)got);
	}
	iov_buf_add(ret, "", 0);
	return iov_buf_failed(ret) ? -ENOMEM : 0;
}

int iov_fs_write_fd(int fd, const void *data, size_t len)
{
	const char *at = data;
	while (len) {
		ssize_t put = write(fd, at, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		at += put;
		len -= (size_t)put;
	}
	return 0;
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int write_synced(const char *path, const void *data, size_t len, mode_t mode)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	int rc = iov_fs_write_fd(fd, data, len);
	if (!rc && fsync(fd))
		rc = -errno;
	return rc;
}

int iov_fs_replace(const char *path, const void *data, size_t len, mode_t mode)
{
	iov_auto(iov_buf_release) struct iov_buf temporary = {0};
	iov_auto(iov_free_ptr) char *folder = parent_of(path);
	iov_buf_printf(&temporary, "%s.%d.new", path, getpid());
	if (!folder || iov_buf_failed(&temporary))
		return -ENOMEM;
	int rc = write_synced(temporary.data, data, len, mode);
	if (!rc && rename(temporary.data, path))
		rc = -errno;
	if (rc) {
		unlink(temporary.data);
		return rc;
	}
	return iov_fs_sync_dir(folder);
}

int iov_fs_mkdirs(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0)
		return 0;
	if (errno == EEXIST) {
		struct stat st;
		return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	}
	if (errno != ENOENT)
		return -errno;
	iov_auto(iov_free_ptr) char *folder = parent_of(path);
	if (!folder)
		return -ENOMEM;
	if (!strcmp(folder, path))
		return -ENOENT;
	int rc = iov_fs_mkdirs(folder, mode);
	if (rc)
		return rc;
	return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -errno;
}

int iov_fs_mkdirs_for(const char *path, mode_t mode)
{
	iov_auto(iov_free_ptr) char *folder = parent_of(path);
	return folder ? iov_fs_mkdirs(folder, mode) : -ENOMEM;
}

/* The folder itself, or the one above it. */
static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int remove_at(int parent, const char *name, unsigned char type);

static int empty_at(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int rc = dir ? 0 : -errno;
	if (!dir) {
		iov_close_fd(&fd);
		return rc;
	}
	for (struct dirent *entry; !rc && (entry = readdir(dir));)
		if (!is_dots(entry->d_name))
			rc = remove_at(fd, entry->d_name, entry->d_type);
	closedir(dir);
	return rc;
}

/* `type` as readdir() tells it; many folders are empty, so they are not read before they have to be. */
static int remove_at(int parent, const char *name, unsigned char type)
{
	if (type != DT_DIR && (unlinkat(parent, name, 0) == 0 || errno == ENOENT))
		return 0;
	if (type != DT_DIR && errno != EISDIR && errno != EPERM)
		return -errno;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	int rc = empty_at(parent, name);
	if (!rc && unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT)
		rc = -errno;
	return rc;
}

int iov_fs_rmtree(const char *path)
{
	return remove_at(AT_FDCWD, path, DT_UNKNOWN);
}

int iov_fs_sync_dir(const char *path)
{
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) ? -errno : 0;
}

bool iov_fs_exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static int not_dots(const struct dirent *entry)
{
	return !is_dots(entry->d_name);
}

static int bytewise(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int iov_fs_names(const char *path, char ***ret_names, size_t *ret_count)
{
	struct dirent **entries = NULL;
	int found = scandir(path, &entries, not_dots, bytewise);
	if (found < 0)
		return -errno;
	char **names = calloc((size_t)found + 1, sizeof(*names));
	bool whole = names != NULL;
	for (int i = 0; i < found; i++) {
		if (names && !(names[i] = strdup(entries[i]->d_name)))
			whole = false;
		free(entries[i]);
	}
	free(entries);
	if (!whole) {
		iov_fs_names_free(names, (size_t)found);
		return -ENOMEM;
	}
	*ret_names = names;
	*ret_count = (size_t)found;
	return 0;
}

void iov_fs_names_free(char **names, size_t count)
{
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
}
