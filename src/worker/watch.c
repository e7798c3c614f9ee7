#include "worker/watch.h"

#include <time.h>
#include <unistd.h>

#include "util/buf.h"

#define LOOK_MS 100

static void give_up(const struct iov_watch *watch)
{
	struct iov_buf text = {0};
	iov_buf_printf(
		&text,
		"'%s' is too slow: less than %zu KiB in %g seconds, or a list of refs that has no end (slow drip "
		"attack, or a slow network); nothing of it was kept, try again later or use --offline",
		watch->text, IOV_WATCH_BYTES >> 10, (double)watch->ms / 1000);
	iov_frame_send_error(watch->job->sock, IOV_E_NETWORK, text.data ? text.data : "the server is too slow");
	_exit(IOV_E_NETWORK);
}

static void nap(struct iov_watch *watch)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
}

static void *look(void *cookie)
{
	struct iov_watch *watch = cookie;
	pthread_mutex_lock(&watch->lock);
	while (!watch->over) {
		if (watch->deadline && iov_frame_now() > watch->deadline)
			give_up(watch);
		nap(watch);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

static void set_deadline(struct iov_watch *watch, int64_t deadline)
{
	pthread_mutex_lock(&watch->lock);
	watch->deadline = deadline;
	pthread_mutex_unlock(&watch->lock);
}

static void wait_for(struct iov_watch *watch, uint64_t ms)
{
	set_deadline(watch, iov_frame_now() + (int64_t)ms);
}

int iov_watch_begin(struct iov_watch *watch, struct iov_job *job, const char *text, uint64_t ms)
{
	*watch = (struct iov_watch){.job = job, .text = text, .ms = ms ? ms : IOV_WATCH_MS};
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->changed, NULL);
	wait_for(watch, watch->ms * IOV_WATCH_REFS);
	int err = pthread_create(&watch->thread, NULL, look, watch);
	watch->runs = !err;
	return err ? iov_error_errno(job->ctx, err, "worker: cannot start a thread") : IOV_OK;
}

void iov_watch_feed(struct iov_watch *watch, size_t bytes)
{
	if (!watch->runs || (bytes && bytes - watch->seen < IOV_WATCH_BYTES))
		return;
	watch->seen = bytes;
	wait_for(watch, watch->ms);
}

void iov_watch_end(struct iov_watch *watch)
{
	if (watch->runs)
		set_deadline(watch, 0);
}

void iov_watch_release(struct iov_watch *watch)
{
	if (!watch->runs)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->over = true;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	watch->runs = false;
}
