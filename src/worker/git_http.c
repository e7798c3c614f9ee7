#include "worker/git_http.h"

#include <curl/curl.h>
#include <git2/sys/transport.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/git_refs.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define BODY_MAX (256u << 20)	/* bytes of a push, in memory: eight of the largest archives */
#define ANSWER_AHEAD (1u << 20) /* bytes of an answer that wait for libgit2 */
#define CONNECT_MS 15000
#define SILENCE_S 30 /* of a server in the middle of an answer */
#define HOOK_S 300   /* the same when its hook judges what was pushed, and many others before it */
#define WAIT_MS 1000

#define SYSTEM_CA "/etc/ssl/certs"

/* One of the four requests that the protocol has, and one of its version 2. */
static const struct service {
	git_smart_service_t service;
	const char *suffix, *accept, *content_type; /* content_type of a POST; NULL: a GET */
	long silence_s;				    /* of a server that is in the middle of an answer */
} services[] = {
	{GIT_SERVICE_UPLOADPACK_LS, "/info/refs?service=git-upload-pack", "application/x-git-upload-pack-advertisement",
	 NULL, SILENCE_S},
	{GIT_SERVICE_UPLOADPACK, "/git-upload-pack", "application/x-git-upload-pack-result",
	 "application/x-git-upload-pack-request", SILENCE_S},
	{GIT_SERVICE_RECEIVEPACK_LS, "/info/refs?service=git-receive-pack",
	 "application/x-git-receive-pack-advertisement", NULL, SILENCE_S},
	{GIT_SERVICE_RECEIVEPACK, "/git-receive-pack", "application/x-git-receive-pack-result",
	 "application/x-git-receive-pack-request", HOOK_S},
};
static const struct service ls_refs = {GIT_SERVICE_UPLOADPACK_LS, "/git-upload-pack",
				       "application/x-git-upload-pack-result", "application/x-git-upload-pack-request",
				       SILENCE_S};

struct subtransport {
	git_smart_subtransport parent;
	struct iov_git_http *http;
	CURLM *multi;
};

/* A request that is written to, then read from. */
struct stream {
	git_smart_subtransport_stream parent;
	struct iov_git_http *http;
	const struct service *service;
	CURLM *multi;
	CURL *easy; /* NULL: nothing was sent yet */
	struct curl_slist *headers;
	struct iov_buf body, answer;
	size_t taken;	/* bytes of the answer */
	size_t ahead;	/* bytes of it that may wait to be taken */
	uint64_t total; /* bytes that came */
	bool checked, paused, ended;
	CURLcode result;
	char message[CURL_ERROR_SIZE];
};

static int fail(struct iov_git_http *http)
{
	http->failed = true;
	return GIT_EUSER;
}

static int out_of_memory(struct iov_git_http *http)
{
	iov_oom(http->job->ctx);
	return fail(http);
}

/* ---- what the server said --------------------------------------------------------------------------------------- */

static int not_trusted(struct stream *stream, const char *why)
{
	const struct iov_job *job = stream->http->job;
	if (stream->result == CURLE_SSL_CACERT_BADFILE && job->has_ca)
		return iov_error(job->ctx, IOV_E_INPUT,
				 "the certificates in '%s' cannot be used: %s; it needs to be PEM that everybody may "
				 "read",
				 job->ca, why);
	return iov_error(job->ctx, IOV_E_NETWORK,
			 "'%s': the server's certificate is not trusted (%s); if the server is yours, write the "
			 "certificate of its authority to '%s'",
			 stream->http->url, why, job->ca);
}

static int curl_failed(struct stream *stream)
{
	const struct iov_git_http *http = stream->http;
	const char *why = stream->message[0] ? stream->message : curl_easy_strerror(stream->result);
	if (stream->result == CURLE_PEER_FAILED_VERIFICATION || stream->result == CURLE_SSL_CACERT_BADFILE)
		not_trusted(stream, why);
	else
		iov_error(http->job->ctx, IOV_E_NETWORK,
			  "'%s' cannot be reached: %s; check the URL and the network, or use --offline", http->url,
			  why);
	return fail(stream->http);
}

static int redirected(struct stream *stream)
{
	char *to = NULL;
	curl_easy_getinfo(stream->easy, CURLINFO_REDIRECT_URL, &to);
	iov_error(stream->http->job->ctx, IOV_E_NETWORK,
		  "'%s' leads elsewhere, to '%.512s', and redirects are not followed; when that is the registry, use "
		  "its own URL",
		  stream->http->url, to ? to : "nowhere");
	return fail(stream->http);
}

static int not_let_in(struct stream *stream)
{
	struct iov_git_http *http = stream->http;
	struct iov_ctx *ctx = http->job->ctx;
	const char *etc;
	if (iov_job_string(http->job, "etc", &etc))
		return fail(http);
	if (strncasecmp(http->url, "https://", 8) != 0)
		iov_error(ctx, IOV_E_NETWORK,
			  "'%s' asks for a credential, and none is ever sent over http://; use https://", http->url);
	else if (!http->offered)
		iov_error(
			ctx, IOV_E_NETWORK,
			"'%s' asks for a credential, and this host has none for it; say in '%s/credentials.yaml' where "
			"to find one",
			http->url, etc);
	else if (!iov_job_send_credential(http->job, false))
		iov_error(ctx, IOV_E_NETWORK, "'%s' does not accept the credential that it was shown", http->url);
	return fail(http);
}

static int bad_status(struct stream *stream, long status)
{
	iov_error(stream->http->job->ctx, IOV_E_NETWORK, "'%s' cannot be reached: the server answers %ld%s",
		  stream->http->url, status,
		  status == 403	  ? ", which says that you may not do this there"
		  : status == 404 ? "; there is no such repository, or not for you"
				  : "; ask who runs it");
	return fail(stream->http);
}

static bool has_type(struct stream *stream)
{
	char *type = NULL;
	curl_easy_getinfo(stream->easy, CURLINFO_CONTENT_TYPE, &type);
	size_t len = strlen(stream->service->accept);
	return type && !strncasecmp(type, stream->service->accept, len) && (!type[len] || strchr("; ", type[len]));
}

static int no_git(struct stream *stream)
{
	iov_error(stream->http->job->ctx, IOV_E_NETWORK,
		  "'%s' answers, but not in git's protocol; check the URL (that of a registry of plain files begins "
		  "with sparse+)",
		  stream->http->url);
	return fail(stream->http);
}

/* Once the headers are there: 0, or the error. Asks *ret_again for another try, with the credential. */
static int check_status(struct stream *stream, bool *ret_again)
{
	struct iov_git_http *http = stream->http;
	long status = 0;
	curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
	*ret_again = status == 401 && http->authorization && !http->offered;
	if (*ret_again)
		return 0;
	if (status == 401)
		return not_let_in(stream);
	if (status >= 300 && status < 400)
		return redirected(stream);
	if (status != 200)
		return bad_status(stream, status);
	if (!has_type(stream))
		return no_git(stream);
	if (http->offered && !http->accepted) {
		http->accepted = true;
		if (iov_job_send_credential(http->job, true))
			return fail(http);
	}
	return 0;
}

/* ---- one request ------------------------------------------------------------------------------------------------ */

static size_t on_answer(char *data, size_t size, size_t count, void *cookie)
{
	struct stream *stream = cookie;
	long status = 0;
	curl_easy_getinfo(stream->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return size * count; /* an error's page */
	if (stream->answer.len - stream->taken > stream->ahead) {
		stream->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	iov_buf_add(&stream->answer, data, size * count);
	stream->total += size * count;
	return iov_buf_failed(&stream->answer) ? 0 : size * count;
}

static bool add_header(struct stream *stream, const char *name, const char *value)
{
	iov_auto(iov_buf_release) struct iov_buf line = {0};
	iov_buf_printf(&line, "%s:%s%s", name, *value ? " " : "", value);
	if (iov_buf_failed(&line))
		return false;
	struct curl_slist *longer = curl_slist_append(stream->headers, line.data);
	stream->headers = longer ? longer : stream->headers;
	return longer != NULL;
}

static bool wants_one_ref(const struct stream *stream)
{
	return stream->http->ref && stream->service->service == GIT_SERVICE_UPLOADPACK_LS;
}

static bool add_headers(struct stream *stream)
{
	const struct iov_git_http *http = stream->http;
	const struct service *service = stream->service;
	return add_header(stream, "Accept", service->accept) && add_header(stream, "Expect", "") /* sent at once */ &&
	       (!service->content_type || add_header(stream, "Content-Type", service->content_type)) &&
	       (!wants_one_ref(stream) || add_header(stream, "Git-Protocol", "version=2")) &&
	       (!http->offered || add_header(stream, "Authorization", http->authorization));
}

static char *url_of(const struct stream *stream)
{
	struct iov_buf url = {0};
	size_t len = strlen(stream->http->url);
	while (len && stream->http->url[len - 1] == '/')
		len--;
	iov_buf_add(&url, stream->http->url, len);
	iov_buf_puts(&url, stream->service->suffix);
	return iov_buf_take(&url);
}

/* Those of the system, and those that the operator of this root has added. */
static CURLcode trust(const struct stream *stream)
{
	const struct iov_job *job = stream->http->job;
	CURLcode rc = CURLE_OK;
	if (access(SYSTEM_CA, R_OK) == 0) {
		rc = curl_easy_setopt(stream->easy, CURLOPT_CAPATH, SYSTEM_CA);
		rc = rc ? rc : curl_easy_setopt(stream->easy, CURLOPT_CAINFO, NULL); /* the same once more */
	}
	return rc || !job->has_ca ? rc : curl_easy_setopt(stream->easy, CURLOPT_CAINFO, job->ca);
}

static CURLcode set_options(struct stream *stream, const char *url)
{
	CURL *easy = stream->easy;
	CURLcode rc = curl_easy_setopt(easy, CURLOPT_URL, url);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_PROXY, "");
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_USERAGENT, "git/2.0 (iovpkg " IOV_VERSION ")");
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_HTTPHEADER, stream->headers);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_WRITEDATA, stream);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, stream->message);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stream->service->silence_s);
	if (!rc && stream->service->content_type) {
		rc = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)stream->body.len);
		rc = rc ? rc : curl_easy_setopt(easy, CURLOPT_POSTFIELDS, stream->body.data ? stream->body.data : "");
	}
	return rc ? rc : trust(stream);
}

static void end_request(struct stream *stream)
{
	if (stream->easy) {
		curl_multi_remove_handle(stream->multi, stream->easy);
		curl_easy_cleanup(stream->easy);
	}
	curl_slist_free_all(stream->headers);
	stream->easy = NULL;
	stream->headers = NULL;
	stream->ended = stream->checked = stream->paused = false;
	stream->result = CURLE_OK;
	stream->answer.len = stream->taken = 0;
}

static int begin_request(struct stream *stream)
{
	end_request(stream);
	iov_auto(iov_free_ptr) char *url = url_of(stream);
	stream->easy = curl_easy_init();
	if (!url || !stream->easy || !add_headers(stream))
		return out_of_memory(stream->http);
	stream->result = set_options(stream, url);
	if (stream->result)
		return curl_failed(stream);
	return curl_multi_add_handle(stream->multi, stream->easy) ? out_of_memory(stream->http) : 0;
}

static void take_end(struct stream *stream)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(stream->multi, &left)))
		if (message->msg == CURLMSG_DONE && message->easy_handle == stream->easy) {
			stream->result = message->data.result;
			stream->ended = true;
		}
}

/* Goes on until there are so many bytes to take, or no more to come. */
static int perform(struct stream *stream, size_t wanted)
{
	int running;
	while (!stream->ended && stream->answer.len - stream->taken < wanted) {
		if (stream->paused) {
			stream->paused = false;
			curl_easy_pause(stream->easy, CURLPAUSE_CONT);
		}
		if (curl_multi_perform(stream->multi, &running))
			return out_of_memory(stream->http);
		take_end(stream);
		if (!stream->ended && stream->answer.len - stream->taken < wanted &&
		    curl_multi_poll(stream->multi, NULL, 0, WAIT_MS, NULL))
			return out_of_memory(stream->http);
	}
	return stream->ended && stream->result ? curl_failed(stream) : 0;
}

/* The request, and a second one with the credential where the server asks for it. */
static int send_request(struct stream *stream)
{
	bool again = true;
	int rc = 0;
	while (!rc && again) {
		rc = begin_request(stream);
		rc = rc ? rc : perform(stream, 1);
		rc = rc ? rc : check_status(stream, &again);
		stream->http->offered |= !rc && again;
	}
	stream->checked = !rc;
	return rc;
}

static int too_much(struct stream *stream, enum iov_code code, const char *what, unsigned limit)
{
	iov_error(stream->http->job->ctx, code, "'%s': %s more than the %u MiB that it may have", stream->http->url,
		  what, limit >> 20);
	return fail(stream->http);
}

static int endless_refs(struct stream *stream)
{
	return too_much(stream, IOV_E_UNTRUSTED, "its list of refs has (endless data)", IOV_GIT_REFS_MAX);
}

/* ---- one ref instead of all ------------------------------------------------------------------------------------- */

static int ask_for_ref(struct stream *stream)
{
	stream->service = &ls_refs;
	iov_git_refs_ask(stream->http->ref, &stream->body);
	int rc = iov_buf_failed(&stream->body) ? out_of_memory(stream->http) : send_request(stream);
	rc = rc ? rc : perform(stream, IOV_GIT_REFS_MAX + 1);
	return rc || stream->answer.len <= IOV_GIT_REFS_MAX ? rc : endless_refs(stream);
}

/* In the place of what came. */
static int tell_ref(struct stream *stream, bool shallow)
{
	struct iov_buf came = stream->answer;
	stream->answer = (struct iov_buf){0};
	bool good = iov_git_refs_tell(came.data, came.len, stream->http->ref, shallow, &stream->answer);
	iov_buf_release(&came);
	return !good ? no_git(stream) : iov_buf_failed(&stream->answer) ? out_of_memory(stream->http) : 0;
}

/* A server of version 2 begins with what it can do, and tells of no ref. */
static int begin_answer(struct stream *stream)
{
	bool shallow;
	int rc = send_request(stream);
	if (rc || !wants_one_ref(stream))
		return rc;
	rc = perform(stream, IOV_GIT_REFS_BEGIN);
	if (rc || !iov_git_refs_is_v2(stream->answer.data, stream->answer.len))
		return rc;
	stream->ahead = IOV_GIT_REFS_MAX;
	rc = perform(stream, IOV_GIT_CAPABILITIES_MAX + 1);
	if (!rc && !iov_git_refs_read_server(stream->answer.data, stream->answer.len, &shallow))
		rc = no_git(stream);
	rc = rc ? rc : ask_for_ref(stream);
	return rc ? rc : tell_ref(stream, shallow);
}

/* ---- as libgit2 wants it ---------------------------------------------------------------------------------------- */

static int stream_write(git_smart_subtransport_stream *parent, const char *data, size_t len)
{
	struct stream *stream = (struct stream *)parent;
	if (stream->body.len + len > BODY_MAX)
		return too_much(stream, IOV_E_INPUT, "the push has", BODY_MAX);
	iov_buf_add(&stream->body, data, len);
	return iov_buf_failed(&stream->body) ? out_of_memory(stream->http) : 0;
}

static int stream_read(git_smart_subtransport_stream *parent, char *data, size_t size, size_t *ret_len)
{
	struct stream *stream = (struct stream *)parent;
	int rc = stream->checked ? perform(stream, 1) : begin_answer(stream);
	*ret_len = 0;
	if (rc)
		return rc;
	if (!stream->service->content_type && stream->total > IOV_GIT_REFS_MAX)
		return endless_refs(stream);
	size_t left = stream->answer.len - stream->taken;
	*ret_len = left < size ? left : size;
	if (*ret_len)
		memcpy(data, stream->answer.data + stream->taken, *ret_len);
	stream->taken += *ret_len;
	if (stream->taken == stream->answer.len)
		stream->answer.len = stream->taken = 0;
	return 0;
}

static void stream_free(git_smart_subtransport_stream *parent)
{
	struct stream *stream = (struct stream *)parent;
	end_request(stream);
	iov_buf_release(&stream->body);
	iov_buf_release(&stream->answer);
	free(stream);
}

static int on_action(git_smart_subtransport_stream **ret, git_smart_subtransport *parent, const char *url,
		     git_smart_service_t service)
{
	struct subtransport *transport = (struct subtransport *)parent;
	struct stream *stream = calloc(1, sizeof(*stream));
	(void)url; /* the job's own */
	if (!stream)
		return out_of_memory(transport->http);
	stream->parent.subtransport = parent;
	stream->parent.read = stream_read;
	stream->parent.write = stream_write;
	stream->parent.free = stream_free;
	stream->http = transport->http;
	stream->ahead = ANSWER_AHEAD;
	stream->multi = transport->multi;
	for (size_t i = 0; i < IOV_COUNT(services); i++)
		if (services[i].service == service)
			stream->service = &services[i];
	*ret = &stream->parent;
	return 0;
}

static int on_close(git_smart_subtransport *parent)
{
	(void)parent;
	return 0;
}

static void on_free(git_smart_subtransport *parent)
{
	struct subtransport *transport = (struct subtransport *)parent;
	curl_multi_cleanup(transport->multi);
	free(transport);
}

static int make(git_smart_subtransport **ret, git_transport *owner, void *param)
{
	(void)owner;
	struct subtransport *transport = calloc(1, sizeof(*transport));
	if (!transport || !(transport->multi = curl_multi_init())) {
		free(transport);
		return out_of_memory(param);
	}
	transport->parent.action = on_action;
	transport->parent.close = on_close;
	transport->parent.free = on_free;
	transport->http = param;
	*ret = &transport->parent;
	return 0;
}

int iov_git_http_transport(struct iov_git_http *http, git_remote *remote, git_transport **ret)
{
	git_smart_subtransport_definition definition = {.callback = make, .rpc = 1, .param = http};
	return git_transport_smart(ret, remote, &definition);
}
