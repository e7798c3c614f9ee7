#include "registry/checked.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/fs.h"

static char *path_of(const char *folder, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

bool iov_checked_read(const char *folder, const struct iov_listed *listed, struct iov_buf *ret)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *path = path_of(folder, listed->sha256);
	if (!path || !iov_fs_exists(path))
		return false;
	iov_buf_add(&text, "", 0);
	if (iov_fs_read(path, IOV_INDEX_MAX, &text) || iov_buf_failed(&text) ||
	    !iov_listed_is(listed, text.data, text.len)) {
		unlink(path);
		return false;
	}
	utimensat(AT_FDCWD, path, NULL, 0);
	*ret = text;
	text = (struct iov_buf){0};
	return true;
}

static bool write_file(const char *path, const struct iov_buf *text)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd >= 0 && !iov_fs_write_fd(fd, text->data, text->len);
}

void iov_checked_write(const char *folder, const struct iov_listed *listed, const struct iov_buf *text)
{
	iov_auto(iov_free_ptr) char *path = path_of(folder, listed->sha256);
	iov_auto(iov_free_ptr) char *beside = NULL;
	if (!path || asprintf(&beside, "%s/.%d.new", folder, getpid()) < 0) {
		beside = NULL;
		return;
	}
	if (iov_fs_exists(path) || iov_fs_mkdirs_for(path, 0755))
		return;
	if (!write_file(beside, text) || rename(beside, path))
		unlink(beside);
}

/* ---- bounds ---- */

struct entry {
	char *path;
	uint64_t size;
	struct timespec used;
};

static int newest_first(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used, *y = &((const struct entry *)b)->used;
	if (x->tv_sec != y->tv_sec)
		return x->tv_sec > y->tv_sec ? -1 : 1;
	return x->tv_nsec > y->tv_nsec ? -1 : x->tv_nsec < y->tv_nsec;
}

static void measure(const char *folder, const char *name, struct entry *ret)
{
	struct stat st;
	ret->path = path_of(folder, name);
	if (!ret->path || lstat(ret->path, &st))
		return;
	ret->size = (uint64_t)st.st_size;
	ret->used = st.st_mtim;
}

static bool is_over(const struct entry *entries, size_t count, const struct iov_checked_bounds *bounds)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += entries[i].size;
	return count > bounds->files || bytes > bounds->bytes;
}

static void drop_oldest(struct entry *entries, size_t count, const struct iov_checked_bounds *bounds)
{
	uint64_t bytes = 0;
	qsort(entries, count, sizeof(*entries), newest_first);
	for (size_t i = 0; i < count; i++) {
		bytes += entries[i].size;
		if (entries[i].path && (i >= bounds->files / 2 || bytes > bounds->bytes / 2))
			unlink(entries[i].path);
	}
}

void iov_checked_prune(const char *folder, const struct iov_checked_bounds *bounds)
{
	char **names = NULL;
	size_t count = 0;
	if (iov_fs_names(folder, &names, &count))
		return;
	struct entry *entries = calloc(count + 1, sizeof(*entries));
	for (size_t i = 0; entries && i < count; i++)
		measure(folder, names[i], &entries[i]);
	if (entries && is_over(entries, count, bounds))
		drop_oldest(entries, count, bounds);
	for (size_t i = 0; entries && i < count; i++)
		free(entries[i].path);
	free(entries);
	iov_fs_names_free(names, count);
}
