/* One transfer: a request of ours, what libcurl makes of it, and the frames that tell of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "worker/http.h"
#include "worker/job_http.h"

#define CONNECT_MS 15000
#define REDIRECTS_MAX 5
#define DROPPED_MAX (64 * 1024) /* bytes of an error page that are read, to keep its connection */
#define WIRE_MORE (64 * 1024)	/* bytes that may come beyond a file's limit: gzip makes some files a little longer */

/* ---- the end ---------------------------------------------------------------------------------------------------- */

void iov_http_transfer_free(struct iov_http_transfer *transfer)
{
	if (transfer->easy)
		curl_multi_remove_handle(transfer->session->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	json_decref(transfer->request);
	free(transfer->refusal);
	free(transfer);
}

void iov_http_refuse(struct iov_http_transfer *transfer, enum iov_code code, uint64_t again_ms, const char *format, ...)
{
	va_list args;
	if (transfer->refusal)
		return;
	va_start(args, format);
	if (vasprintf(&transfer->refusal, format, args) < 0)
		transfer->refusal = NULL;
	va_end(args);
	transfer->done[IOV_HTTP_CODE] = transfer->refusal ? code : IOV_E_INTERNAL;
	transfer->done[IOV_HTTP_AGAIN] = again_ms;
}

static int unheard(struct iov_http_transfer *transfer, int rc)
{
	return rc ? iov_error_errno(transfer->session->job->ctx, rc, "cannot answer") : IOV_OK;
}

static int send_done(struct iov_http_transfer *transfer)
{
	const char *text = transfer->refusal ? transfer->refusal : "";
	return unheard(transfer, iov_frame_send_fields(transfer->session->job->sock, IOV_FRAME_DONE, transfer->done,
						       IOV_HTTP_DONE_FIELDS, text, strlen(text)));
}

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

static void add_header(struct iov_http_transfer *transfer, const char *name, const char *value)
{
	iov_auto(iov_free_ptr) char *line = NULL;
	struct curl_slist *more = NULL;
	if (asprintf(&line, "%s: %s", name, value) >= 0)
		more = curl_slist_append(transfer->headers, line);
	if (!more)
		iov_http_refuse(transfer, IOV_E_INTERNAL, 0, "out of memory");
	else
		transfer->headers = more;
}

static const char *text_of(const struct iov_http_transfer *transfer, const char *key)
{
	return json_string_value(json_object_get(transfer->request, key));
}

static uint64_t number_of(const struct iov_http_transfer *transfer, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(transfer->request, key));
}

static size_t on_body(char *data, size_t size, size_t n, void *cookie);

static void set_trust(struct iov_http_transfer *transfer)
{
	const struct iov_http_session *session = transfer->session;
	CURL *easy = transfer->easy;
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (session->system_ca) {
		curl_easy_setopt(easy, CURLOPT_CAPATH, session->system_ca);
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL); /* the same in one file, which takes 10 ms to read */
	}
	if (session->job->has_ca)
		curl_easy_setopt(easy, CURLOPT_CAINFO, session->job->ca);
}

static void set_protocol(struct iov_http_transfer *transfer)
{
	CURL *easy = transfer->easy;
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L); /* for a connection that may turn out to be HTTP/2 */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "iovpkg");
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)transfer->limit);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
}

static void set_request(struct iov_http_transfer *transfer)
{
	const char *etag = text_of(transfer, "etag"), *authorization = text_of(transfer, "authorization");
	char range[32];
	snprintf(range, sizeof(range), "%llu-", (unsigned long long)transfer->offset);
	curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->url);
	if (transfer->offset)
		curl_easy_setopt(transfer->easy, CURLOPT_RANGE, range);
	else if (!json_is_true(json_object_get(transfer->request, "plain")))
		curl_easy_setopt(transfer->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	transfer->conditional = etag;
	if (etag)
		add_header(transfer, "If-None-Match", etag);
	if (authorization)
		add_header(transfer, "Authorization", authorization);
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

/* The limits of the request, and the time that goes with them. */
static bool read_request(struct iov_http_transfer *transfer)
{
	transfer->url = text_of(transfer, "url");
	transfer->number = transfer->done[IOV_HTTP_NUMBER] = number_of(transfer, "number");
	transfer->limit = number_of(transfer, "limit");
	transfer->offset = number_of(transfer, "offset");
	int64_t now = iov_frame_now();
	transfer->deadline = now + (int64_t)number_of(transfer, "time_ms");
	transfer->window_end = now + (int64_t)transfer->session->window_ms;
	return transfer->url && transfer->offset <= transfer->limit && transfer->limit <= INT64_MAX;
}

static int start(struct iov_http_transfer *transfer)
{
	struct iov_http_session *session = transfer->session;
	CURLMcode code = curl_multi_add_handle(session->multi, transfer->easy);
	if (code)
		return iov_error(session->job->ctx, IOV_E_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
	return IOV_OK;
}

int iov_http_transfer_begin(struct iov_http_session *session)
{
	struct iov_job *job = session->job;
	struct iov_http_transfer *transfer = calloc(1, sizeof(*transfer));
	if (!transfer)
		return iov_oom(job->ctx);
	transfer->session = session;
	transfer->next = session->transfers;
	session->transfers = transfer;
	session->n_transfers++;
	int rc = iov_json_parse(job->ctx, "request", job->frame.payload, job->frame.len, IOV_FRAME_MAX,
				&transfer->request);
	if (rc || !read_request(transfer))
		return rc ? rc : iov_error(job->ctx, IOV_E_INTERNAL, "the worker's input is broken");
	transfer->easy = curl_easy_init();
	if (!transfer->easy)
		return iov_oom(job->ctx);
	set_protocol(transfer);
	set_trust(transfer);
	set_request(transfer);
	return start(transfer);
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

static long status_of(const struct iov_http_transfer *transfer)
{
	long status = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool is_file(const struct iov_http_transfer *transfer, long status)
{
	return status == 200 || (status == 206 && transfer->offset);
}

static bool is_answer(const struct iov_http_transfer *transfer, long status)
{
	return is_file(transfer, status) || status == 404 || (status == 304 && transfer->conditional);
}

/* Over the limit from here on: a server that ignores the offset begins at 0. */
static uint64_t room_of(const struct iov_http_transfer *transfer, long status)
{
	return transfer->limit - (status == 206 ? transfer->offset : 0);
}

static int answer(struct iov_http_transfer *transfer, long status)
{
	const uint64_t fields[IOV_HTTP_ANSWER_FIELDS] = {transfer->number, (uint64_t)status};
	struct curl_header *etag;
	const char *value = "";
	if (transfer->answered)
		return IOV_OK;
	transfer->answered = true;
	if (!curl_easy_header(transfer->easy, "etag", 0, CURLH_HEADER, -1, &etag) &&
	    strlen(etag->value) < IOV_ETAG_SIZE)
		value = etag->value;
	return unheard(transfer, iov_frame_send_fields(transfer->session->job->sock, IOV_FRAME_ANSWER, fields,
						       IOV_HTTP_ANSWER_FIELDS, value, strlen(value)));
}

static void too_long(struct iov_http_transfer *transfer)
{
	iov_http_refuse(transfer, IOV_E_UNTRUSTED, 0,
			"'%s' sends more than the %llu bytes that this file may have (endless data attack); tell its "
			"host",
			transfer->url, (unsigned long long)transfer->limit);
}

/* Returning less than `len` makes libcurl end the transfer. */
static size_t on_body(char *data, size_t size, size_t n, void *cookie)
{
	struct iov_http_transfer *transfer = cookie;
	long status = status_of(transfer);
	size_t len = size * n;
	transfer->taken += len;
	if (!is_file(transfer, status))
		return transfer->taken > DROPPED_MAX ? 0 : len;
	if (transfer->taken > room_of(transfer, status)) {
		too_long(transfer);
		return 0;
	}
	int rc = answer(transfer, status);
	if (!rc)
		rc = unheard(transfer, iov_frame_send_fields(transfer->session->job->sock, IOV_FRAME_BODY,
							     &transfer->number, 1, data, len));
	return rc ? 0 : len;
}

uint64_t iov_http_transfer_body(const struct iov_http_transfer *transfer)
{
	curl_off_t bytes = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
	return (uint64_t)bytes;
}

void iov_http_transfer_check(struct iov_http_transfer *transfer, int64_t now)
{
	const struct iov_http_session *session = transfer->session;
	uint64_t body = iov_http_transfer_body(transfer);
	uint64_t least = session->rate * session->window_ms / 1000 / session->n_transfers;
	if (body > transfer->limit + transfer->limit / 1000 + WIRE_MORE)
		too_long(transfer); /* what comes out of it never meets the limit: gzip has blocks of nothing */
	if (now > transfer->deadline)
		iov_http_refuse(transfer, IOV_E_NETWORK, 1,
				"'%s' took longer than a file of at most %llu bytes may (slow drip attack, or a slow "
				"network); try again, or use another mirror",
				transfer->url, (unsigned long long)transfer->limit);
	if (now < transfer->window_end)
		return;
	if (body - transfer->window_bytes < least)
		iov_http_refuse(
			transfer, IOV_E_NETWORK, 1,
			"'%s' sends less than %llu bytes in %llu seconds (slow drip attack, or a slow network); "
			"try again, or use another mirror",
			transfer->url, (unsigned long long)least, (unsigned long long)(session->window_ms / 1000));
	transfer->window_bytes = body;
	transfer->window_end = now + (int64_t)session->window_ms;
}

/* ---- redirects -------------------------------------------------------------------------------------------------- */

/* One part of a URL, with the port of its scheme where it names none. Owned. */
static char *part_of(const char *url, CURLUPart part)
{
	CURLU *handle = curl_url();
	char *found = NULL, *copy = NULL;
	if (handle && !curl_url_set(handle, CURLUPART_URL, url, 0))
		curl_url_get(handle, part, &found, CURLU_DEFAULT_PORT);
	copy = found ? strdup(found) : NULL;
	curl_free(found);
	curl_url_cleanup(handle);
	return copy;
}

static bool is_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
	for (size_t i = 0; i < IOV_COUNT(parts); i++) {
		iov_auto(iov_free_ptr) char *one = part_of(a, parts[i]);
		iov_auto(iov_free_ptr) char *other = part_of(b, parts[i]);
		if (!one || !other || strcasecmp(one, other) != 0)
			return false;
	}
	return true;
}

/* Goes on where the server says, or refuses to. */
static int follow(struct iov_http_transfer *transfer, const char *to, bool *ret_over)
{
	if (!is_same_origin(transfer->url, to)) {
		iov_http_refuse(transfer, IOV_E_NETWORK, 0,
				"'%s' leads to another server, '%s' (a redirect that could carry credentials away); it "
				"was not followed: use that URL itself, if you trust it",
				transfer->url, to);
		return IOV_OK;
	}
	if (text_of(transfer, "authorization")) {
		iov_http_refuse(transfer, IOV_E_NETWORK, 0,
				"'%s' leads to '%s', and what a credential goes with follows no redirect, since it is "
				"for one place; use that URL itself, if you trust it",
				transfer->url, to);
		return IOV_OK;
	}
	if (++transfer->redirects > REDIRECTS_MAX) {
		iov_http_refuse(transfer, IOV_E_NETWORK, 0,
				"'%s' leads from one place to the next more than %d times; "
				"tell its host",
				transfer->url, REDIRECTS_MAX);
		return IOV_OK;
	}
	*ret_over = false;
	transfer->taken = 0;
	transfer->window_bytes = 0;
	iov_auto(iov_free_ptr) char *copy = strdup(to); /* `to` is the handle's own */
	if (!copy)
		return iov_oom(transfer->session->job->ctx);
	curl_multi_remove_handle(transfer->session->multi, transfer->easy);
	curl_easy_setopt(transfer->easy, CURLOPT_URL, copy);
	return start(transfer);
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void count(struct iov_http_transfer *transfer)
{
	long connections = 0, headers = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connections);
	curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &headers);
	transfer->done[IOV_HTTP_REQUESTS]++;
	transfer->done[IOV_HTTP_CONNECTIONS] += (uint64_t)connections;
	transfer->done[IOV_HTTP_BODY] += iov_http_transfer_body(transfer);
	transfer->done[IOV_HTTP_HEADERS] += (uint64_t)headers;
}

/* A connection that closed after an error page was cut off is no failure of its own. */
static bool is_whole(const struct iov_http_transfer *transfer, CURLcode result, long status)
{
	return !transfer->refusal && (result == CURLE_OK || (status >= 300 && status != 304));
}

int iov_http_transfer_end(struct iov_http_transfer *transfer, CURLcode result, bool *ret_over)
{
	long status = status_of(transfer);
	char *to = NULL;
	int rc = IOV_OK;
	*ret_over = true;
	count(transfer);
	transfer->done[IOV_HTTP_STATUS] = (uint64_t)status;
	curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &to);
	if (result == CURLE_FILESIZE_EXCEEDED && is_file(transfer, status))
		too_long(transfer);
	if (!is_whole(transfer, result, status))
		iov_http_explain_result(transfer, result);
	else if (is_answer(transfer, status))
		rc = answer(transfer, status);
	else if (to)
		rc = follow(transfer, to, ret_over);
	else
		iov_http_explain_status(transfer, status);
	return rc || !*ret_over ? rc : send_done(transfer);
}
