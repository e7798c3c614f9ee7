/* The session: one libcurl multi handle with the connections, fed from the socket. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "worker/job_http.h"

#define SYSTEM_CA "/etc/ssl/certs"
#define TICK_MS 250	      /* between two looks at what is slow, and two signs of life */
#define IDLE_MS 60000	      /* without transfers there is nothing to look at */
#define CONNECTIONS 16	      /* open at a time... */
#define CONNECTIONS_TO_HOST 6 /* ...and to one server that speaks no HTTP/2: what browsers take */
#define STREAMS 100	      /* at a time in one HTTP/2 connection */

static void session_release(struct iov_http_session *session)
{
	while (session->transfers) {
		struct iov_http_transfer *next = session->transfers->next;
		iov_http_transfer_free(session->transfers);
		session->transfers = next;
	}
	curl_multi_cleanup(session->multi);
}

static int session_init(struct iov_job *job, struct iov_http_session *session)
{
	session->job = job;
	session->system_ca = access(SYSTEM_CA, R_OK | X_OK) == 0 ? SYSTEM_CA : NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(session->multi = curl_multi_init()))
		return iov_oom(job->ctx);
	curl_multi_setopt(session->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
	curl_multi_setopt(session->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_TO_HOST);
	curl_multi_setopt(session->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS);
	int rc = iov_job_uint(job, "window_ms", &session->window_ms);
	return rc ? rc : iov_job_uint(job, "rate", &session->rate);
}

static int broken(struct iov_http_session *session, CURLMcode code)
{
	return iov_error(session->job->ctx, IOV_E_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
}

static void forget(struct iov_http_session *session, struct iov_http_transfer *transfer)
{
	struct iov_http_transfer **at = &session->transfers;
	while (*at != transfer)
		at = &(*at)->next;
	*at = transfer->next;
	session->n_transfers--;
	iov_http_transfer_free(transfer);
}

/* Hands out what libcurl is done with. */
static int finish_some(struct iov_http_session *session)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(session->multi, &left));) {
		struct iov_http_transfer *transfer;
		CURLcode result = message->data.result;
		bool over = true;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		int rc = iov_http_transfer_end(transfer, result, &over);
		if (over)
			forget(session, transfer);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* libcurl tells of a transfer that it ended itself; one that is broken off from here is ended by hand. */
static int check_some(struct iov_http_session *session)
{
	int64_t now = iov_frame_now();
	for (struct iov_http_transfer *at = session->transfers, *next; at; at = next) {
		bool over = true;
		next = at->next;
		iov_http_transfer_check(at, now);
		if (!at->refusal)
			continue;
		int rc = iov_http_transfer_end(at, CURLE_ABORTED_BY_CALLBACK, &over);
		forget(session, at);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* So that the main process can tell a slow network from a dead worker, and look up now and then. */
static int show_life(struct iov_http_session *session, int64_t *last)
{
	int64_t now = iov_frame_now();
	if (now - *last < TICK_MS)
		return 0;
	*last = now;
	return session->n_transfers ? iov_frame_send_progress(session->job->sock, 0, 0) : 0;
}

/* Waits for the network or the main process. *ret_over: that one has nothing more to say. */
static int wait_for_something(struct iov_http_session *session, bool *ret_over)
{
	struct curl_waitfd sock = {.fd = session->job->sock, .events = CURL_WAIT_POLLIN};
	int timeout = session->n_transfers ? TICK_MS : IDLE_MS;
	CURLMcode code = curl_multi_poll(session->multi, &sock, 1, timeout, NULL);
	if (code)
		return broken(session, code);
	if (!sock.revents)
		return IOV_OK;
	int rc = iov_frame_receive(session->job->sock, &session->job->frame, 0);
	*ret_over = rc == -EPIPE;
	if (rc || session->job->frame.type != IOV_FRAME_DATA)
		return *ret_over ? IOV_OK
				 : iov_error(session->job->ctx, IOV_E_INTERNAL, "the worker's input is broken");
	return iov_http_transfer_begin(session);
}

int iov_job_http(struct iov_job *job)
{
	iov_auto(session_release) struct iov_http_session session = {0};
	int rc = session_init(job, &session);
	int64_t last_sign = iov_frame_now();
	for (bool over = false; !rc && !over;) {
		int running;
		CURLMcode code = curl_multi_perform(session.multi, &running);
		rc = code ? broken(&session, code) : finish_some(&session);
		rc = rc ? rc : check_some(&session);
		if (!rc && show_life(&session, &last_sign))
			return IOV_OK;
		rc = rc ? rc : wait_for_something(&session, &over);
	}
	return rc;
}
