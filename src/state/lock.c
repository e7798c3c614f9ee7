#include "state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define WAIT_MS 10000
#define TRY_EVERY_MS 20

/* The pid is for the people who wait; what locks is the flock, which ends with its holder however that one ends. */
static int sign(int fd)
{
	char pid[32];
	int len = snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(fd, 0) || pwrite(fd, pid, (size_t)len, 0) != len)
		return -errno;
	return 0;
}

static int holder(int fd)
{
	char pid[32] = "";
	return pread(fd, pid, sizeof(pid) - 1, 0) > 0 ? atoi(pid) : 0;
}

static int refuse(struct iov_ctx *ctx, int fd)
{
	int pid = holder(fd);
	if (pid <= 0)
		return iov_error(ctx, IOV_E_BUSY, "another iovpkg is at work; try again when it is done");
	return iov_error(ctx, IOV_E_BUSY, "another iovpkg (pid %d) is at work; try again when it is done", pid);
}

static void tell(struct iov_ctx *ctx, int fd)
{
	int pid = holder(fd);
	if (pid > 0)
		iov_note(ctx, "waiting for another iovpkg (pid %d) to finish", pid);
	else
		iov_note(ctx, "waiting for another iovpkg to finish");
}

static int wait_for(struct iov_ctx *ctx, int fd, const char *path)
{
	const struct timespec pause = {.tv_nsec = TRY_EVERY_MS * 1000000L};
	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB); waited += TRY_EVERY_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return iov_error_errno(ctx, errno, "cannot lock '%s'", path);
		if (waited >= WAIT_MS)
			return refuse(ctx, fd);
		if (waited == 0)
			tell(ctx, fd);
		nanosleep(&pause, NULL);
	}
	return IOV_OK;
}

static int take(struct iov_ctx *ctx, int fd, const char *path)
{
	int rc = wait_for(ctx, fd, path);
	if (rc)
		return rc;
	rc = sign(fd);
	return rc ? iov_error_errno(ctx, rc, "cannot write '%s'", path) : IOV_OK;
}

int iov_lock_take(struct iov_ctx *ctx, int *ret_fd)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/lock");
	if (!path)
		return iov_oom(ctx);
	int rc = iov_fs_mkdirs_for(path, 0755);
	int fd = rc ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		rc = rc ? rc : -errno;
	if (rc == -EACCES || rc == -EPERM)
		return iov_error(ctx, IOV_E_PERMISSION,
				 "only root may change this host ('%s' cannot be opened); run it as root, or name a "
				 "folder of yours with --root",
				 path);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot open '%s'", path);
	rc = take(ctx, fd, path);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}
