/* The session: what goes over the socket, and what came back checked for what it may be at all. */
#include "worker/client_http.h"

#include <string.h>

#include "credentials/secret.h"
#include "util/cleanup.h"

#define SILENCE_SECONDS 60 /* the worker gives a sign of life four times a second */
#define AUTHORIZATION_MAX (8 * 1024)

/* A link by satellite or modem passes; 1 KiB a second is where a person gives up. Whole files have 16 KiB a second and
 * a minute: an archive of 32 MiB about half an hour. */
static const struct iov_http_patience usual = {
	.window_ms = 20000,
	.rate = 1024,
	.grace_ms = 60000,
	.pace = 16 * 1024,
	.pause_ms = 300,
};

int iov_http_open(struct iov_ctx *ctx, struct iov_http **ret)
{
	struct iov_http *http = calloc(1, sizeof(*http));
	if (!http)
		return iov_oom(ctx);
	http->ctx = ctx;
	http->patience = usual;
	*ret = http;
	return IOV_OK;
}

void iov_http_stop(struct iov_http *http)
{
	if (http->running)
		iov_worker_release(&http->worker);
	http->running = false;
	http->under_way = http->unheard = 0;
}

void iov_http_free(struct iov_http *http)
{
	if (!http)
		return;
	iov_http_stop(http);
	free(http->subject);
	free(http);
}

void iov_http_set_patience(struct iov_http *http, const struct iov_http_patience *patience)
{
	http->patience = *patience;
}

struct iov_http_counts iov_http_counts(const struct iov_http *http)
{
	return http->counts;
}

/* ---- start ------------------------------------------------------------------------------------------------------ */

static int start(struct iov_http *http)
{
	struct iov_ctx *ctx = http->ctx;
	iov_auto(iov_free_ptr) char *etc = iov_path(ctx, IOV_ETC);
	if (!etc)
		return iov_oom(ctx);
	http->job = (struct iov_worker_job){"fetching", http->subject, SILENCE_SECONDS, 0, IOV_E_NETWORK};
	http->worker = (struct iov_worker)IOV_WORKER_NONE;
	http->running = true;
	json_t *request = json_pack("{s:s, s:s, s:I, s:I}", "job", "http", "etc", etc, "window_ms",
				    (json_int_t)http->patience.window_ms, "rate", (json_int_t)http->patience.rate);
	return iov_worker_start_http(ctx, &http->job, request, &http->worker);
}

/* Running, and with errors that name this URL. */
static int ready(struct iov_http *http, const char *url)
{
	char *subject = strdup(url);
	if (!subject)
		return iov_oom(http->ctx);
	free(http->subject);
	http->job.subject = http->subject = subject;
	return http->running ? IOV_OK : start(http);
}

/* ---- ask -------------------------------------------------------------------------------------------------------- */

/* What goes into a line of HTTP's must not end it. */
static bool is_line(const char *text, size_t max)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return len <= max;
}

/* The part of a URL that names the server; NULL for a protocol that is not spoken here. */
static const char *server_of(const char *url)
{
	if (!strncmp(url, "https://", strlen("https://")))
		return url + strlen("https://");
	return strncmp(url, "http://", strlen("http://")) ? NULL : url + strlen("http://");
}

static int check_server(struct iov_ctx *ctx, const char *url)
{
	const char *server = server_of(url);
	if (!server)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is not a URL of the web; use https:// or http://", url);
	const char *at = memchr(server, '@', strcspn(server, "/?#"));
	if (at)
		return iov_error(ctx, IOV_E_INPUT,
				 "a URL of '%s' has a user or a password in it; take it out, for URLs are written down "
				 "and shown: credentials have files of their own",
				 at + 1);
	return IOV_OK;
}

static int check_place(struct iov_ctx *ctx, const struct iov_http_place *place)
{
	if (!is_line(place->url, IOV_HTTP_URL_MAX))
		return iov_error(ctx, IOV_E_INPUT,
				 "'%.80s...' is no URL: it is longer than %d bytes, or has control "
				 "characters in it",
				 place->url, IOV_HTTP_URL_MAX);
	if (place->authorization && !is_line(place->authorization, AUTHORIZATION_MAX))
		return iov_error(
			ctx, IOV_E_INPUT,
			"the credentials for '%s' are longer than %d bytes, or have control characters in them",
			place->url, AUTHORIZATION_MAX);
	return check_server(ctx, place->url);
}

static json_t *describe(const struct iov_http_task *task, size_t number, uint64_t time_ms)
{
	const struct iov_http_place *place = &task->places[task->place];
	return json_pack("{s:I, s:s, s:s*, s:s*, s:I, s:I, s:I, s:b}", "number", (json_int_t)number, "url", place->url,
			 "authorization", place->authorization, "etag", task->etag, "limit", (json_int_t)task->limit,
			 "offset", (json_int_t)task->offset, "time_ms", (json_int_t)time_ms, "plain", task->plain);
}

static int ask(struct iov_http *http, struct iov_http_task *task, size_t number)
{
	const struct iov_http_patience *patience = &http->patience;
	uint64_t time_ms = patience->grace_ms + (task->limit - task->offset) * 1000 / patience->pace;
	iov_auto(iov_json_release) json_t *request = describe(task, number, time_ms);
	iov_auto(iov_secret_release) char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	if (!text)
		return iov_error(http->ctx, IOV_E_INPUT, "fetching '%s': the URL must be UTF-8", http->subject);
	int64_t now = iov_frame_now(), over = now + (int64_t)time_ms + SILENCE_SECONDS * 1000;
	http->deadline = over > http->deadline ? over : http->deadline;
	http->unheard += strlen(text);
	http->under_way++;
	task->under_way = true;
	http->worker.deadline = now + SILENCE_SECONDS * 1000;
	return iov_worker_send_data(http->ctx, &http->worker, text, strlen(text));
}

int iov_http_begin(struct iov_http *http, struct iov_http_task *task, size_t number)
{
	int rc = task->prepare(http->ctx, task);
	task->status = 0;
	task->taken = 0;
	*task->answer_etag = '\0';
	rc = rc ? rc : check_place(http->ctx, &task->places[task->place]);
	rc = rc ? rc : ready(http, task->places[task->place].url);
	return rc ? rc : ask(http, task, number);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static bool is_possible(const struct iov_http_task *task, uint64_t status)
{
	return status == 200 || status == 404 || (status == 206 && task->offset) || (status == 304 && task->etag);
}

static int take_answer(struct iov_http *http, struct iov_http_task *task, const uint64_t *fields, const char *etag,
		       size_t len)
{
	if (task->status || !is_possible(task, fields[IOV_HTTP_STATUS]) || len >= IOV_ETAG_SIZE ||
	    strlen(etag) != len || !is_line(etag, len))
		return iov_worker_nonsense(http->ctx, &http->worker);
	task->status = (unsigned)fields[IOV_HTTP_STATUS];
	memcpy(task->answer_etag, etag, len + 1);
	return IOV_OK;
}

static int take_body(struct iov_http *http, struct iov_http_task *task, const char *data, size_t len)
{
	uint64_t room = task->limit - (task->status == 206 ? task->offset : 0);
	if ((task->status != 200 && task->status != 206) || len > room - task->taken)
		return iov_worker_nonsense(http->ctx, &http->worker);
	int rc = task->take(http->ctx, task, data, len);
	task->taken += len;
	return rc;
}

/* The reasons that another place, or another try, does not change. */
static bool is_ours(int code)
{
	return code == IOV_E_SPACE || code == IOV_E_IO || code == IOV_E_PERMISSION || code == IOV_E_INTERNAL;
}

/* This place did not do: the error is the context's. */
static int failed(struct iov_http *http, struct iov_http_task *task, uint64_t again_ms)
{
	struct iov_ctx *ctx = http->ctx;
	task->code = iov_error_code(ctx);
	if (is_ours(task->code))
		return task->code;
	free(task->error);
	task->error = strdup(iov_error_text(ctx));
	if (again_ms > task->pause_ms)
		task->pause_ms = again_ms;
	if (!again_ms)
		task->struck |= 1u << task->place;
	return task->error ? IOV_OK : iov_oom(ctx);
}

static bool is_last_place(const struct iov_http_task *task)
{
	return (task->struck | 1u << task->place) == (1u << task->n_places) - 1;
}

static int succeeded(struct iov_http *http, struct iov_http_task *task)
{
	bool again = false;
	if (task->status == 404 && !is_last_place(task)) {
		iov_error(http->ctx, IOV_E_NOT_FOUND, "'%s' is not there", task->places[task->place].url);
		return failed(http, task, 0);
	}
	if (task->end(http->ctx, task, &again))
		return failed(http, task, again ? 1 : 0);
	task->code = IOV_OK;
	task->over = true;
	return IOV_OK;
}

static void count(struct iov_http *http, const uint64_t *fields)
{
	http->counts.requests += fields[IOV_HTTP_REQUESTS];
	http->counts.connections += fields[IOV_HTTP_CONNECTIONS];
	http->counts.body += fields[IOV_HTTP_BODY];
	http->counts.headers += fields[IOV_HTTP_HEADERS];
}

static int take_done(struct iov_http *http, struct iov_http_task *task, const uint64_t *fields, const char *text)
{
	task->under_way = false;
	if (!--http->under_way)
		http->unheard = 0;
	count(http, fields);
	task->statuses[task->place] = task->status;
	if (fields[IOV_HTTP_CODE] == IOV_OK)
		return task->status ? succeeded(http, task) : iov_worker_nonsense(http->ctx, &http->worker);
	if (fields[IOV_HTTP_CODE] >= IOV_E_DECLINED)
		return iov_worker_nonsense(http->ctx, &http->worker);
	task->status = fields[IOV_HTTP_STATUS] < 1000 ? (unsigned)fields[IOV_HTTP_STATUS] : 0;
	task->statuses[task->place] = task->status;
	iov_worker_make_printable((char *)text);
	iov_error(http->ctx, fields[IOV_HTTP_CODE], "%s", text);
	return failed(http, task, fields[IOV_HTTP_AGAIN]);
}

static const struct {
	size_t fields;
} shapes[] = {
	[IOV_FRAME_ANSWER] = {IOV_HTTP_ANSWER_FIELDS},
	[IOV_FRAME_BODY] = {1},
	[IOV_FRAME_DONE] = {IOV_HTTP_DONE_FIELDS},
};

/* A frame of one of the tasks under way. */
static int take_frame(struct iov_http *http, struct iov_http_task *tasks, size_t count)
{
	const struct iov_frame *frame = &http->worker.frame;
	uint64_t fields[IOV_HTTP_DONE_FIELDS];
	const char *rest;
	size_t len;
	if (frame->type >= IOV_COUNT(shapes) || !shapes[frame->type].fields ||
	    !iov_frame_parse_fields(frame, shapes[frame->type].fields, fields, &rest, &len))
		return iov_worker_nonsense(http->ctx, &http->worker);
	if (fields[IOV_HTTP_NUMBER] >= count || !tasks[fields[IOV_HTTP_NUMBER]].under_way)
		return iov_worker_nonsense(http->ctx, &http->worker);
	struct iov_http_task *task = &tasks[fields[IOV_HTTP_NUMBER]];
	if (frame->type == IOV_FRAME_ANSWER)
		return take_answer(http, task, fields, rest, len);
	if (frame->type == IOV_FRAME_BODY)
		return take_body(http, task, rest, len);
	return take_done(http, task, fields, rest);
}

int iov_http_listen(struct iov_http *http, struct iov_http_task *tasks, size_t count)
{
	int64_t now = iov_frame_now();
	int rc = iov_stop_asked(http->ctx);
	if (!rc && now > http->deadline)
		rc = iov_error(http->ctx, IOV_E_NETWORK, "fetching '%s' took longer than it may; try again",
			       http->subject);
	http->worker.deadline = now + SILENCE_SECONDS * 1000;
	rc = rc ? rc : iov_worker_take(http->ctx, &http->worker);
	if (rc || http->worker.frame.type == IOV_FRAME_PROGRESS) /* a sign of life */
		return rc;
	return take_frame(http, tasks, count);
}
