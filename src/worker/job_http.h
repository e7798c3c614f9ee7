/*
 * The HTTP job inside: a session that lasts as long as its socket, and transfers, one a request. A transfer ends with
 * exactly one DONE frame, whatever happened to it; only a broken socket ends the session.
 */
#ifndef IOV_WORKER_JOB_HTTP_H
#define IOV_WORKER_JOB_HTTP_H

#include <curl/curl.h>

#include "worker/job.h"

struct iov_http_session {
	struct iov_job *job;
	CURLM *multi;
	const char *system_ca;	  /* folder of certificates; NULL: what libcurl has built in */
	uint64_t window_ms, rate; /* of the slowest transfer that is borne with, shared among all under way */
	struct iov_http_transfer *transfers; /* under way */
	size_t n_transfers;
};

struct iov_http_transfer {
	struct iov_http_session *session;
	struct iov_http_transfer *next;
	CURL *easy;
	struct curl_slist *headers;
	json_t *request;
	const char *url; /* as asked; borrowed from the request */
	uint64_t number, limit, offset;
	bool conditional;
	bool answered;	/* ANSWER has been sent */
	uint64_t taken; /* bytes of the answer, decompressed */
	unsigned redirects;
	int64_t deadline;   /* for the whole of it */
	int64_t window_end; /* by then there must be `window_bytes` on the wire */
	uint64_t window_bytes;
	uint64_t done[IOV_HTTP_DONE_FIELDS];
	char *refusal;		     /* set by a callback that broke it off; with its code in done[] */
	char words[CURL_ERROR_SIZE]; /* libcurl's */
};

/* Starts the transfer that the input frame taken last asks for. */
int iov_http_transfer_begin(struct iov_http_session *session);
/* libcurl is done with it: answers, or follows a redirect and stays. *ret_over: it may be freed. */
int iov_http_transfer_end(struct iov_http_transfer *transfer, CURLcode result, bool *ret_over);
/* Breaks off what is too slow. */
void iov_http_transfer_check(struct iov_http_transfer *transfer, int64_t now);
void iov_http_transfer_free(struct iov_http_transfer *transfer);

/* Bytes of the body so far, as they came. */
uint64_t iov_http_transfer_body(const struct iov_http_transfer *transfer);

/* Notes why a transfer is broken off; the first reason stands. `again_ms`: see IOV_HTTP_AGAIN. */
void iov_http_refuse(struct iov_http_transfer *transfer, enum iov_code code, uint64_t again_ms, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* libcurl's error, or a status that is no answer, in our words. */
void iov_http_explain_result(struct iov_http_transfer *transfer, CURLcode result);
void iov_http_explain_status(struct iov_http_transfer *transfer, long status);

#endif
