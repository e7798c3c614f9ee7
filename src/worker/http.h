/*
 * HTTP from the main process's side. A session is one iovpkg-worker-http, which keeps its connections open from one
 * call to the next and speaks HTTP/2 with those who do: many small requests in one call are one round trip. It is
 * started by the first request and ends with iov_http_free(). Nothing that comes back is believed: callers check
 * digests and signatures.
 *
 *   struct iov_http_request requests[] = {{.url = url, .limit = 64 * 1024, .etag = known}};
 *   struct iov_http_answer answers[1] = {0};
 *   int rc = iov_http_get(http, requests, 1, answers);
 *   if (!rc && answers[0].status == 200)
 *           ...
 *   iov_http_answers_release(answers, 1);
 *
 * What failed for a reason that may pass is tried again after a moment, first at the next mirror. Redirects are
 * followed within one origin (scheme, host, port), five at most. docs/worker.md has the limits.
 */
#ifndef IOV_WORKER_HTTP_H
#define IOV_WORKER_HTTP_H

#include "core/digest.h"
#include "util/buf.h"

#define IOV_ETAG_SIZE 128     /* with the terminator; a longer one is left out */
#define IOV_HTTP_PARALLEL 64  /* requests under way at a time */
#define IOV_HTTP_URL_MAX 4096 /* bytes of a URL */
#define IOV_HTTP_PLACES_MAX 8 /* of one file; more mirrors are not asked */

struct iov_http; /* a session */

int iov_http_open(struct iov_ctx *ctx, struct iov_http **ret);
void iov_http_free(struct iov_http *http);

/* Where a file is, and what to say there. */
struct iov_http_place {
	const char *url;	   /* absolute, https:// or http://, without user and password */
	const char *authorization; /* value of the header of that name; sent to this URL's origin alone. NULL: none */
};

/* ---- small files, whole in memory ------------------------------------------------------------------------------- */

struct iov_http_request {
	const char *url;	   /* as in a place */
	const char *authorization; /* as in a place */
	const struct iov_http_place *mirrors;
	size_t n_mirrors;
	const char *etag; /* of what the caller has; NULL: none */
	uint64_t limit;	  /* bytes, decompressed; more is IOV_E_UNTRUSTED (endless data) */
	uint64_t offset;  /* bytes before this one are not wanted; they count for the limit */
};

struct iov_http_answer {
	unsigned status;	  /* 200, 206 (with an offset alone), 304 (with an etag alone), 404; for an error what
				     the server said, 401 for example, or 0 when it said nothing */
	enum iov_code code;	  /* IOV_OK for these four */
	char etag[IOV_ETAG_SIZE]; /* "": it has none */
	struct iov_buf body;	  /* with data, also where it is empty, for 200 and 206 */
};

/* Asks for all of them at once. The error is that of the first request that failed; the others' answers are good. `ret`
 * is to be released in either case. Offline: IOV_E_NETWORK. */
int iov_http_get(struct iov_http *http, const struct iov_http_request *requests, size_t count,
		 struct iov_http_answer *ret);
void iov_http_answers_release(struct iov_http_answer *answers, size_t count);

/* ---- archives, into files --------------------------------------------------------------------------------------- */

struct iov_http_file {
	const char *name; /* for people: "flow-top 1.2.0" */
	const struct iov_http_place *places;
	size_t n_places;
	const char *path;   /* what an interrupted download left there is gone on with */
	const char *sha256; /* in hex */
	uint64_t size;

	/* after the call */
	enum iov_code code;
	unsigned statuses[IOV_HTTP_PLACES_MAX]; /* what each place said last; 0: it was not asked, or said nothing */
	size_t place;				/* the one asked last: the error is its own */
};

/* Downloads all of them, several at a time. A file that came is at its path, whole, with this digest; of one that broke
 * off what there is stays, for the next time; nothing is left of one with another digest (IOV_E_UNTRUSTED). The error
 * is that of the first that failed. The progress is bytes over all files. */
int iov_http_download(struct iov_http *http, struct iov_http_file *files, size_t count);

/* ---- what it took ----------------------------------------------------------------------------------------------- */

struct iov_http_counts {
	uint64_t requests;    /* sent, with those that failed, were redirected or tried again */
	uint64_t rounds;      /* times that a call waited for answers: round trips, once connections are up */
	uint64_t connections; /* made */
	uint64_t body;	      /* bytes of bodies, as compressed on the wire */
	uint64_t headers;     /* bytes of answers' headers, before HTTP/2 compresses them */
};
/* Since the session began. */
struct iov_http_counts iov_http_counts(const struct iov_http *http);

/* How long a slow server is borne with; set before the first request. The defaults are in client_http.c, with reasons.
 */
struct iov_http_patience {
	unsigned window_ms; /* in each of these a transfer must bring... */
	unsigned rate;	    /* ...so many bytes a second, shared among the transfers under way */
	unsigned grace_ms;  /* a whole file has this long... */
	unsigned pace;	    /* ...and a second more for so many bytes of its limit */
	unsigned pause_ms;  /* before the second try; the third waits four times as long */
};
void iov_http_set_patience(struct iov_http *http, const struct iov_http_patience *patience);

#endif
