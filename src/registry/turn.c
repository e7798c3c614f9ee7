#include "registry/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <time.h>

#include "util/cleanup.h"

#define PAUSE_MS 10
#define PAUSE_MAX_MS 640
#define QUEUE_MS 20 /* at most, between two looks at the lock */

static unsigned pause_ms(unsigned most)
{
	unsigned ms = 1 + randombytes_uniform(most);
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
	return ms;
}

void iov_turn_pause(unsigned tries)
{
	unsigned most = PAUSE_MS;
	while (tries-- && most < PAUSE_MAX_MS)
		most *= 2;
	pause_ms(most);
}

/* The folder itself is locked: no file is left over, and whoever may read it may wait. Released when `fd` is closed. */
static void queue(int fd)
{
	for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK && waited < IOV_TURN_WAIT_MS;)
		waited += pause_ms(QUEUE_MS);
}

int iov_turn(struct iov_ctx *ctx, const char *path, int (*change)(struct iov_ctx *ctx, void *cookie), void *cookie)
{
	int rc = IOV_E_BUSY;
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		queue(fd);
	for (unsigned tries = 0; tries < IOV_TURN_TRIES && rc == IOV_E_BUSY; tries++) {
		if (tries)
			iov_turn_pause(tries);
		rc = change(ctx, cookie);
	}
	return rc;
}
