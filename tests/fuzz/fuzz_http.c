/* What a worker that was taken over says of requests: two are under way, one of them for a part of a file. */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "worker/client_http.h"

#define INPUT_MAX (64 * 1024) /* what the socket holds */
#define LIMIT 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int prepare(struct iov_ctx *ctx, struct iov_http_task *task)
{
	(void)ctx;
	(void)task;
	return IOV_OK;
}

static int take(struct iov_ctx *ctx, struct iov_http_task *task, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	if (task->offset + task->taken + len > task->offset + LIMIT)
		__builtin_trap();
	return IOV_OK;
}

static int end(struct iov_ctx *ctx, struct iov_http_task *task, bool *ret_again)
{
	(void)ctx;
	(void)ret_again;
	if (task->status != 200 && task->status != 206 && task->status != 304 && task->status != 404)
		__builtin_trap();
	return IOV_OK;
}

static struct iov_http_task task(uint64_t offset, const char *etag)
{
	return (struct iov_http_task){.places = {{"https://a.example/x", NULL}},
				      .n_places = 1,
				      .etag = etag,
				      .limit = LIMIT,
				      .offset = offset,
				      .prepare = prepare,
				      .take = take,
				      .end = end,
				      .under_way = true};
}

static void play(struct iov_http *http)
{
	struct iov_http_task *tasks = calloc(2, sizeof(*tasks));
	tasks[0] = task(0, "\"tag\"");
	tasks[1] = task(10, NULL);
	while (http->under_way && iov_http_listen(http, tasks, 2) == IOV_OK)
		;
	iov_http_tasks_free(tasks, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx;
	struct iov_http *http = NULL;
	int ends[2];
	if (size > INPUT_MAX || iov_ctx_new(NULL, &ctx))
		return 0;
	if (!iov_http_open(ctx, &http) && !socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) {
		http->job = (struct iov_worker_job){"fetching", "x", 1, 0, IOV_E_NETWORK};
		http->worker = (struct iov_worker){.job = &http->job, .fd = ends[0]};
		http->running = true;
		http->under_way = 2;
		http->deadline = INT64_MAX;
		if (iov_frame_init(&http->worker.frame) == 0 && send(ends[1], data, size, MSG_DONTWAIT) >= 0) {
			close(ends[1]);
			play(http);
		} else {
			close(ends[1]);
		}
	}
	iov_http_free(http);
	iov_ctx_free(ctx);
	return 0;
}
