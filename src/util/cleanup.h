/*
 * Scope-bound ownership: `iov_auto(iov_buf_release) struct iov_buf text = {0};` runs the destructor when the scope
 * ends, on every path. Ownership leaves the scope through iov_take(), which empties the variable.
 */
#ifndef IOV_UTIL_CLEANUP_H
#define IOV_UTIL_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define iov_auto(destructor) __attribute__((cleanup(destructor)))

/* Hands the pointer on and leaves NULL behind. */
#define iov_take(pointer)                                                                                              \
	__extension__({                                                                                                \
		__typeof__(pointer) taken_ = (pointer);                                                                \
		(pointer) = NULL;                                                                                      \
		taken_;                                                                                                \
	})

/* The same for a file descriptor, which leaves -1 behind. */
static inline int iov_take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/* For a plain block of memory or a string: `iov_auto(iov_free_ptr) char *path = NULL;` */
static inline void iov_free_ptr(void *pointer)
{
	free(*(void **)pointer);
}

/* For a file descriptor that starts at -1. */
static inline void iov_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define IOV_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
