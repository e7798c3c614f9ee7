/*
 * The middle of HTTP in the main process: tasks, each one file that is asked for at one place after another until one
 * has it. What a task does with the bytes are its three functions.
 */
#ifndef IOV_WORKER_CLIENT_HTTP_H
#define IOV_WORKER_CLIENT_HTTP_H

#include "worker/client.h"
#include "worker/http.h"

struct iov_http_task {
	/* what is asked, the same for every try */
	struct iov_http_place places[IOV_HTTP_PLACES_MAX];
	size_t n_places;
	const char *etag; /* of what the caller has, or NULL */
	uint64_t limit;
	bool plain; /* not to be compressed on the way */
	void *data; /* of the functions */
	/* Before each try: forgets what cannot be gone on with, and sets `offset`. */
	int (*prepare)(struct iov_ctx *ctx, struct iov_http_task *task);
	/* Bytes of a 200 or 206, never more than the limit; `taken` counts those before these. */
	int (*take)(struct iov_ctx *ctx, struct iov_http_task *task, const void *data, size_t len);
	/* The answer is whole: judges it. An error goes on at the next place, and back to this one if `again` is set.
	 */
	int (*end)(struct iov_ctx *ctx, struct iov_http_task *task, bool *ret_again);

	/* the try under way, or the last */
	uint64_t offset;
	uint64_t taken;
	unsigned status;
	char answer_etag[IOV_ETAG_SIZE];

	/* how it stands */
	size_t place;
	unsigned struck;			/* bits: places that need not be asked again */
	unsigned statuses[IOV_HTTP_PLACES_MAX]; /* what each place said last */
	bool under_way, over;
	uint64_t pause_ms; /* the least before the next try */
	enum iov_code code;
	char *error; /* owned; of the last try that failed */
};

/* Ends each task, well or with its code and error. Fails itself, and ends the worker, where going on makes no sense: no
 * memory, no space, no worker, a wish to stop. `parallel` at a time. */
int iov_http_run(struct iov_http *http, struct iov_http_task *tasks, size_t count, size_t parallel);
/* Makes the error of the first task that failed the context's. */
int iov_http_first_error(struct iov_http *http, const struct iov_http_task *tasks, size_t count);
void iov_http_tasks_free(struct iov_http_task *tasks, size_t count);

/* ---- the session, for client_http*.c alone ---------------------------------------------------------------------- */

struct iov_http {
	struct iov_ctx *ctx;
	struct iov_http_patience patience;
	struct iov_http_counts counts;
	struct iov_worker worker;
	struct iov_worker_job job; /* the worker's; its subject is `subject` */
	char *subject;
	bool running;
	int64_t deadline; /* when the tasks under way must be over; the worker has its own watch */
	size_t under_way; /* tasks... */
	size_t unheard;	  /* ...and bytes of their requests */
};

/* Asks for a task's file at its place; `number` is its own in the array. */
int iov_http_begin(struct iov_http *http, struct iov_http_task *task, size_t number);
/* Takes what comes next for one of the tasks under way. */
int iov_http_listen(struct iov_http *http, struct iov_http_task *tasks, size_t count);
/* Ends the worker; the next request starts another. */
void iov_http_stop(struct iov_http *http);

#endif
