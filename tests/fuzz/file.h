/* Any bytes as a file, for what reads paths. */
#ifndef IOV_TESTS_FUZZ_FILE_H
#define IOV_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fs.h"

/* Its path, the same each time. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];
	if (fd < 0) {
		fd = memfd_create("iov-fuzz", MFD_CLOEXEC);
		fchmod(fd, 0600); /* where it is a secret */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) || iov_fs_write_fd(fd, data, size))
		abort();
	return path;
}

#endif
