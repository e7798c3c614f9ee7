/*
 * One worker process from the main process's side. Start it with a request, send it the job's input, end the input,
 * then take frames until the one of type IOV_FRAME_END:
 *
 *   iov_auto(iov_worker_release) struct iov_worker worker = IOV_WORKER_NONE;
 *   int rc = iov_worker_start(ctx, &job, json_pack("{s:s}", "job", "resolve"), -1, &worker);
 *   if (!rc)
 *           rc = iov_worker_end_input(ctx, &worker);
 *   while (!rc && !(rc = iov_worker_next(ctx, &worker)) && worker.frame.type != IOV_FRAME_END)
 *           ...
 *
 * Whatever the worker does (dies, hangs, floods, talks nonsense) comes back as an error with a text.
 */
#ifndef IOV_WORKER_CLIENT_H
#define IOV_WORKER_CLIENT_H

#include <sys/types.h>

#include "core/json.h"
#include "worker/protocol.h"

struct iov_worker_job {
	const char *verb;    /* for progress events and error texts: "fetching" */
	const char *subject; /* what: a URL, a repository; borrowed while the worker lives */
	unsigned seconds;    /* of wall clock for the whole job */
	uint64_t bytes;	     /* of DATA that it may answer, all together */
	enum iov_code late;  /* the code when the time is over */
};

struct iov_worker {
	const struct iov_worker_job *job;
	char *program; /* that it runs */
	pid_t pid;
	int fd;
	int64_t deadline;
	uint64_t bytes_left;
	bool accepted, refused; /* what a server said of the credential, once it was shown it */
	bool gone;		/* it stopped listening; its last words are still to be read */
	struct iov_frame frame; /* the one that iov_worker_next() took, until the next call */
};

#define IOV_WORKER_NONE                                                                                                \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}

/* `request` is taken over; NULL stands for one that could not be built. `file` becomes the worker's IOV_WORKER_FILE,
 * -1: none. */
int iov_worker_start(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request, int file,
		     struct iov_worker *ret);
/* The same with the worker that speaks HTTP. */
int iov_worker_start_http(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request,
			  struct iov_worker *ret);
/* The same with the worker that speaks git over HTTP. */
int iov_worker_start_git_http(struct iov_ctx *ctx, const struct iov_worker_job *job, json_t *request,
			      struct iov_worker *ret);
/* Ends the process, if it still runs. */
void iov_worker_release(struct iov_worker *worker);

int iov_worker_send_file(struct iov_ctx *ctx, struct iov_worker *worker, const char *path, uint64_t size);
int iov_worker_send_data(struct iov_ctx *ctx, struct iov_worker *worker, const void *data, size_t len); /* any length */
int iov_worker_end_input(struct iov_ctx *ctx, struct iov_worker *worker);

/* The next FILE, DATA or END frame. The worker's own error becomes the context's. */
int iov_worker_next(struct iov_ctx *ctx, struct iov_worker *worker);
/* The next frame, whatever its type; as above only if it is an ERROR. */
int iov_worker_take(struct iov_ctx *ctx, struct iov_worker *worker);
/* Ends the input and waits for END, for jobs that answer nothing else; its payload is in worker->frame. */
int iov_worker_finish(struct iov_ctx *ctx, struct iov_worker *worker);
/* A remote's words may end up on a terminal: no control characters, not even those of C1 in UTF-8, and no space at the
 * end. */
void iov_worker_make_printable(char *text);
/* What to say when an answer does not fit the protocol; ends the process. */
int iov_worker_nonsense(struct iov_ctx *ctx, struct iov_worker *worker);

#endif
