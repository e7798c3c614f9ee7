/* Small files, into memory. */
#include <string.h>

#include "util/cleanup.h"
#include "worker/client_http.h"

struct get {
	uint64_t offset;
	struct iov_http_answer *answer;
};

static int prepare(struct iov_ctx *ctx, struct iov_http_task *task)
{
	const struct get *get = task->data;
	(void)ctx;
	iov_buf_release(&get->answer->body);
	task->offset = get->offset;
	return IOV_OK;
}

static int take(struct iov_ctx *ctx, struct iov_http_task *task, const void *data, size_t len)
{
	struct get *get = task->data;
	iov_buf_add(&get->answer->body, data, len);
	return iov_buf_failed(&get->answer->body) ? iov_oom(ctx) : IOV_OK;
}

static int end(struct iov_ctx *ctx, struct iov_http_task *task, bool *ret_again)
{
	(void)ret_again;
	return task->status == 200 || task->status == 206 ? take(ctx, task, "", 0) : IOV_OK;
}

static void fill(struct iov_http_task *task, const struct iov_http_request *request)
{
	task->places[0] = (struct iov_http_place){request->url, request->authorization};
	task->n_places = 1;
	for (size_t i = 0; i < request->n_mirrors && task->n_places < IOV_HTTP_PLACES_MAX; i++)
		task->places[task->n_places++] = request->mirrors[i];
	task->etag = request->etag;
	task->limit = request->limit;
	task->prepare = prepare;
	task->take = take;
	task->end = end;
}

static void finish(const struct iov_http_task *task, struct iov_http_answer *answer)
{
	answer->status = task->status;
	answer->code = task->over ? IOV_OK : task->code;
	memcpy(answer->etag, task->answer_etag, sizeof(answer->etag));
	if (!task->over)
		iov_buf_release(&answer->body);
}

int iov_http_get(struct iov_http *http, const struct iov_http_request *requests, size_t count,
		 struct iov_http_answer *ret)
{
	iov_auto(iov_free_ptr) struct get *gets = calloc(count + 1, sizeof(*gets));
	struct iov_http_task *tasks = calloc(count + 1, sizeof(*tasks));
	if (!gets || !tasks) {
		free(tasks);
		return iov_oom(http->ctx);
	}
	for (size_t i = 0; i < count; i++) {
		gets[i] = (struct get){requests[i].offset, &ret[i]};
		tasks[i].data = &gets[i];
		fill(&tasks[i], &requests[i]);
	}
	int rc = iov_http_run(http, tasks, count, IOV_HTTP_PARALLEL);
	for (size_t i = 0; i < count; i++)
		finish(&tasks[i], &ret[i]);
	rc = rc ? rc : iov_http_first_error(http, tasks, count);
	iov_http_tasks_free(tasks, count);
	return rc;
}

void iov_http_answers_release(struct iov_http_answer *answers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		iov_buf_release(&answers[i].body);
}
