/*
 * A disk that fails, for tests: preloaded, it has the Nth call of a process that changes files fail with EIO
 * (IOV_FAILING=N), or that one and all that follow (IOV_FAILING=N+); with IOV_FAILING_ERRNO another errno.
 * IOV_FAILING_CALLS names a file that gets the number of calls. Pipes, sockets and terminals are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's own names are reserved */

static long calls;

static int fails(void)
{
	const char *wish = getenv("IOV_FAILING"), *number = getenv("IOV_FAILING_ERRNO");
	long nth = wish ? atol(wish) : 0;
	calls++;
	if (!nth || (strchr(wish, '+') ? calls < nth : calls != nth))
		return 0;
	errno = number ? atoi(number) : EIO;
	return 1;
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("IOV_FAILING_CALLS");
	FILE *file = path && calls ? fopen(path, "w") : NULL;
	if (!file)
		return;
	fprintf(file, "%ld\n", calls);
	fclose(file);
}

static int is_file(int fd)
{
	struct stat st;
	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

#define REAL(type, name, ...)                                                                                          \
	static type (*real)(__VA_ARGS__);                                                                              \
	if (!real)                                                                                                     \
	real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPENS(name, openat_name)                                                                                       \
	int name(const char *path, int flags, ...)                                                                     \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, flags);                                                                                 \
		mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;                                              \
		va_end(args);                                                                                          \
		REAL(int, #name, const char *, int, ...);                                                              \
		return flags & O_CREAT && fails() ? -1 : real(path, flags, mode);                                      \
	}                                                                                                              \
	int openat_name(int dir, const char *path, int flags, ...)                                                     \
	{                                                                                                              \
		va_list args;                                                                                          \
		va_start(args, flags);                                                                                 \
		mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;                                              \
		va_end(args);                                                                                          \
		REAL(int, #openat_name, int, const char *, int, ...);                                                  \
		return flags & O_CREAT && fails() ? -1 : real(dir, path, flags, mode);                                 \
	}
OPENS(open, openat)
OPENS(open64, openat64)

ssize_t write(int fd, const void *data, size_t len)
{
	REAL(ssize_t, "write", int, const void *, size_t);
	return is_file(fd) && fails() ? -1 : real(fd, data, len);
}

int fsync(int fd)
{
	REAL(int, "fsync", int);
	return fails() ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
	REAL(int, "rename", const char *, const char *);
	return fails() ? -1 : real(from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
	return fails() ? -1 : real(from_dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to)
{
	REAL(int, "link", const char *, const char *);
	return fails() ? -1 : real(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	REAL(int, "linkat", int, const char *, int, const char *, int);
	return fails() ? -1 : real(from_dir, from, to_dir, to, flags);
}

int symlink(const char *target, const char *path)
{
	REAL(int, "symlink", const char *, const char *);
	return fails() ? -1 : real(target, path);
}

int mkdir(const char *path, mode_t mode)
{
	REAL(int, "mkdir", const char *, mode_t);
	return fails() ? -1 : real(path, mode);
}

int unlink(const char *path)
{
	REAL(int, "unlink", const char *);
	return fails() ? -1 : real(path);
}

int unlinkat(int dir, const char *path, int flags)
{
	REAL(int, "unlinkat", int, const char *, int);
	return fails() ? -1 : real(dir, path, flags);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
