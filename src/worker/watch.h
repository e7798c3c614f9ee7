/*
 * A server that says next to nothing, for ever, never gives libgit2 a reason to fail. So a thread looks at the clock:
 * when less than IOV_WATCH_BYTES came in the time that a slow server is borne with, it sends the job's error and ends
 * the worker.
 */
#ifndef IOV_WORKER_WATCH_H
#define IOV_WORKER_WATCH_H

#include <pthread.h>

#include "worker/job.h"

#define IOV_WATCH_MS 60000		/* a server may have to count and to pack first */
#define IOV_WATCH_BYTES ((size_t)16384) /* in that time; a modem of 1985 sends as much */
#define IOV_WATCH_REFS 5		/* times as long for the list of refs, whose bytes libgit2 does not count */

struct iov_watch {
	struct iov_job *job;
	const char *text; /* the URL as the user wrote it; borrowed */
	uint64_t ms;
	size_t seen; /* bytes when the waiting began */
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock; /* of what follows, which the thread reads */
	pthread_cond_t changed;
	int64_t deadline; /* of iov_frame_now(); 0: nobody is waited for */
	bool over;
};

/* Begins to wait for the server, for its list of refs first. `ms` 0: IOV_WATCH_MS. */
int iov_watch_begin(struct iov_watch *watch, struct iov_job *job, const char *text, uint64_t ms);
/* So many bytes have come, all together; 0: the list of refs has. */
void iov_watch_feed(struct iov_watch *watch, size_t bytes);
/* The server has sent what it was asked for. */
void iov_watch_end(struct iov_watch *watch);
/* Ends the thread, if there is one. */
void iov_watch_release(struct iov_watch *watch);

#endif
