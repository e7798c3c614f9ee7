/* Tries: each task at one of its places after another, and all of them again after a moment. */
#include <time.h>

#include "util/cleanup.h"
#include "worker/client_http.h"

#define TRIES 3
#define UNHEARD_MAX (64 * 1024) /* bytes of requests under way: they fit the socket, so that never both sides wait */

static bool is_struck(const struct iov_http_task *task, size_t place)
{
	return task->struck & 1u << place;
}

static bool has_room(const struct iov_http *http, size_t parallel)
{
	return !http->under_way || (http->under_way < parallel && http->unheard < UNHEARD_MAX);
}

/* Each task that waits for this place of its list is asked for there. */
static int ask_all(struct iov_http *http, struct iov_http_task *tasks, size_t count, size_t place, size_t parallel)
{
	uint64_t asked = 0;
	int rc = IOV_OK;
	http->deadline = 0;
	for (size_t i = 0; i < count && !rc; i++) {
		struct iov_http_task *task = &tasks[i];
		if (task->over || place >= task->n_places || is_struck(task, place))
			continue;
		while (!rc && !has_room(http, parallel))
			rc = iov_http_listen(http, tasks, count);
		task->place = place;
		rc = rc ? rc : iov_http_begin(http, task, i);
		asked++;
	}
	while (!rc && http->under_way)
		rc = iov_http_listen(http, tasks, count);
	http->counts.rounds += (asked + parallel - 1) / parallel;
	return rc;
}

/* How long to wait for the next try; 0: nothing is worth one. */
static uint64_t pause_before(const struct iov_http_task *tasks, size_t count, uint64_t pause_ms)
{
	uint64_t longest = 0;
	for (size_t i = 0; i < count; i++) {
		bool done = tasks[i].over || tasks[i].struck == (1u << tasks[i].n_places) - 1;
		uint64_t wanted = done ? 0 : tasks[i].pause_ms > pause_ms ? tasks[i].pause_ms : pause_ms;
		longest = wanted > longest ? wanted : longest;
	}
	return longest;
}

/* With up to as much again by chance: clients that a server's restart threw out do not come back all at once. */
static int wait_about(struct iov_http *http, uint64_t pause_ms)
{
	struct timespec step = {.tv_nsec = 20000000};
	uint32_t chance = (uint32_t)iov_frame_now() * 2654435761u ^ (uint32_t)getpid() * 40503u;
	int64_t until = iov_frame_now() + (int64_t)(pause_ms + pause_ms * (chance >> 24) / 255);
	int rc = IOV_OK;
	while (!rc && iov_frame_now() < until && !(rc = iov_stop_asked(http->ctx)))
		nanosleep(&step, NULL);
	return rc;
}

static int check_online(struct iov_http *http, const struct iov_http_task *tasks, size_t count)
{
	if (!count || !http->ctx->config.offline)
		return IOV_OK;
	return iov_error(http->ctx, IOV_E_NETWORK, "'%s' is not asked with --offline; run this once without",
			 tasks[0].places[0].url);
}

int iov_http_run(struct iov_http *http, struct iov_http_task *tasks, size_t count, size_t parallel)
{
	uint64_t pause_ms = http->patience.pause_ms;
	int rc = check_online(http, tasks, count);
	for (unsigned try = 0; try < TRIES && !rc; try++, pause_ms *= 4) {
		for (size_t place = 0; place < IOV_HTTP_PLACES_MAX && !rc; place++)
			rc = ask_all(http, tasks, count, place, parallel);
		uint64_t wait = rc ? 0 : pause_before(tasks, count, pause_ms);
		if (!wait || try + 1 == TRIES)
			break;
		rc = wait_about(http, wait);
	}
	if (rc)
		iov_http_stop(http);
	return rc;
}

int iov_http_first_error(struct iov_http *http, const struct iov_http_task *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!tasks[i].over)
			return iov_error(http->ctx, tasks[i].code, "%s%s", tasks[i].error,
					 tasks[i].n_places > 1 ? " (its mirrors failed too)" : "");
	return IOV_OK;
}

void iov_http_tasks_free(struct iov_http_task *tasks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(tasks[i].error);
	free(tasks);
}
