/* HTTP sessions against a server that is good or bad, by path. Real servers are in tests/command. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "web.h"
#include "worker/http.h"

#define KIB 1024
#define FILE_SIZE (300 * KIB)

static struct iov_ctx *ctx;
static struct iov_http *http;
static struct unit_web web, other;
static char content[FILE_SIZE], content_sha256[IOV_HEX_SIZE];

/* ---- the server ------------------------------------------------------------------------------------------------- */

static bool text(const struct unit_web_request *request, unsigned status, const char *headers, const char *body)
{
	return unit_web_print(request, "HTTP/1.1 %u x\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body),
			      headers, body);
}

static bool hello(const struct unit_web_request *request)
{
	const char *known = unit_web_header(request, "If-None-Match");
	if (known && !strcmp(known, "\"one\""))
		return unit_web_print(request, "HTTP/1.1 304 x\r\nETag: \"one\"\r\n\r\n");
	return text(request, 200, "ETag: \"one\"\r\n", "hello");
}

static bool missing(const struct unit_web_request *request)
{
	return text(request, 404, "", "there is no such page");
}

static bool too_long(const struct unit_web_request *request)
{
	return unit_web_print(request, "HTTP/1.1 200 x\r\nContent-Length: 1000000000000\r\n\r\n") && pause() == 0;
}

static bool endless(const struct unit_web_request *request)
{
	static const char chunk[4096];
	if (!unit_web_print(request, "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n"))
		return false;
	while (unit_web_print(request, "1000\r\n") && unit_web_write(request, chunk, sizeof(chunk)) &&
	       unit_web_print(request, "\r\n"))
		;
	return false;
}

static bool drip(const struct unit_web_request *request)
{
	bool heard = unit_web_print(request, "HTTP/1.1 200 x\r\nContent-Length: 1000\r\n\r\n");
	while (heard) {
		heard = unit_web_print(request, "x");
		usleep(20000);
	}
	return false;
}

static bool silent(const struct unit_web_request *request)
{
	(void)request;
	return pause() == 0;
}

static bool nonsense(const struct unit_web_request *request)
{
	return unit_web_print(request, "220 this is a mail server\r\n") && false;
}

static bool out_of_order(const struct unit_web_request *request)
{
	return *request->visits < 3 ? text(request, 503, "", "wait") : hello(request);
}

static bool here(const struct unit_web_request *request)
{
	return text(request, 302, "Location: hello\r\n", "");
}

static bool circle(const struct unit_web_request *request)
{
	return text(request, 302, "Location: /circle\r\n", "");
}

static bool away(const struct unit_web_request *request)
{
	char location[64];
	snprintf(location, sizeof(location), "Location: http://127.0.0.1:%u/hello\r\n", other.port);
	return text(request, 302, location, "");
}

static bool members(const struct unit_web_request *request)
{
	const char *authorization = unit_web_header(request, "Authorization");
	if (authorization && !strcmp(authorization, "Bearer open sesame"))
		return hello(request);
	return text(request, 401, "WWW-Authenticate: Bearer\r\n", "");
}

/* The file from where the request says. */
static bool part(const struct unit_web_request *request)
{
	const char *range = unit_web_header(request, "Range");
	size_t from = range ? strtoul(range + strlen("bytes="), NULL, 10) : 0;
	if (!unit_web_print(request, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n", range ? 206 : 200, FILE_SIZE - from))
		return false;
	if (range && !unit_web_print(request, "Content-Range: bytes %zu-%d/%d\r\n", from, FILE_SIZE - 1, FILE_SIZE))
		return false;
	return unit_web_print(request, "\r\n") && unit_web_write(request, content + from, FILE_SIZE - from);
}

static bool whole(const struct unit_web_request *request)
{
	return unit_web_print(request, "HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n", FILE_SIZE) &&
	       unit_web_write(request, content, FILE_SIZE);
}

static bool broken(const struct unit_web_request *request)
{
	if (*request->visits > 1)
		return part(request);
	return unit_web_print(request, "HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n", FILE_SIZE) &&
	       unit_web_write(request, content, FILE_SIZE / 2) && false;
}

static bool forged(const struct unit_web_request *request)
{
	static const char zeros[FILE_SIZE];
	return unit_web_print(request, "HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\n", FILE_SIZE) &&
	       unit_web_write(request, zeros, FILE_SIZE);
}

static const struct {
	const char *path;
	bool (*answer)(const struct unit_web_request *request);
} pages[] = {
	{"/hello", hello},   {"/too-long", too_long}, {"/endless", endless},   {"/drip", drip},
	{"/silent", silent}, {"/nonsense", nonsense}, {"/busy", out_of_order}, {"/here", here},
	{"/circle", circle}, {"/away", away},	      {"/members", members},   {"/part", part},
	{"/whole", whole},   {"/broken", broken},     {"/forged", forged},
};

static bool answer(const struct unit_web_request *request)
{
	for (size_t i = 0; i < IOV_COUNT(pages); i++)
		if (!strcmp(pages[i].path, request->path))
			return pages[i].answer(request);
	return missing(request);
}

/* ---- the client ------------------------------------------------------------------------------------------------- */

static void set_up(void)
{
	static const struct iov_http_patience little = {
		.window_ms = 400, .rate = 10000, .grace_ms = 20000, .pace = 100000, .pause_ms = 10};
	for (size_t i = 0; i < FILE_SIZE; i++)
		content[i] = (char)(i * 7 >> 4);
	iov_sha256_hex(content, FILE_SIZE, content_sha256);
	ctx = unit_ctx();
	unit_web_start(&other, answer);
	unit_web_start(&web, answer);
	unit_ok(ctx, iov_http_open(ctx, &http));
	iov_http_set_patience(http, &little);
}

static void tear_down(void)
{
	iov_http_free(http);
	unit_web_stop(&web);
	unit_web_stop(&other);
	unit_ctx_free(ctx);
}

static const char *url_at(const struct unit_web *server, const char *path)
{
	static char urls[4][128];
	static unsigned next;
	char *url = urls[next++ % IOV_COUNT(urls)];
	snprintf(url, sizeof(urls[0]), "http://127.0.0.1:%u/%s", server->port, path);
	return url;
}

static const char *url_of(const char *path)
{
	return url_at(&web, path);
}

static struct iov_http_answer answers[80];

static int get(struct iov_http_request request)
{
	iov_http_answers_release(answers, IOV_COUNT(answers));
	memset(answers, 0, sizeof(answers));
	if (!request.limit)
		request.limit = 64 * KIB;
	return iov_http_get(http, &request, 1, answers);
}

static void release_answers(void)
{
	iov_http_answers_release(answers, IOV_COUNT(answers));
	memset(answers, 0, sizeof(answers));
}

START_TEST(a_file_and_its_tag)
{
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("hello")}));
	ck_assert_uint_eq(answers[0].status, 200);
	ck_assert_str_eq(answers[0].etag, "\"one\"");
	ck_assert_str_eq(answers[0].body.data, "hello");
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("hello"), .etag = "\"one\""}));
	ck_assert_uint_eq(answers[0].status, 304);
	ck_assert_ptr_null(answers[0].body.data);
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("hello"), .etag = "\"two\""}));
	ck_assert_uint_eq(answers[0].status, 200);
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("gone")}));
	ck_assert_uint_eq(answers[0].status, 404);
	ck_assert_ptr_null(answers[0].body.data);
	struct iov_http_counts counts = iov_http_counts(http);
	ck_assert_uint_eq(counts.requests, 4);
	ck_assert_uint_eq(counts.rounds, 4);
	ck_assert_uint_eq(counts.connections, 1);
	release_answers();
}
END_TEST

START_TEST(many_at_once)
{
	struct iov_http_request requests[IOV_COUNT(answers)];
	const char *good = url_of("hello"), *gone = url_of("missing");
	for (size_t i = 0; i < IOV_COUNT(requests); i++)
		requests[i] = (struct iov_http_request){.url = i == 33 ? gone : good, .limit = KIB};
	unit_ok(ctx, iov_http_get(http, requests, IOV_COUNT(requests), answers));
	for (size_t i = 0; i < IOV_COUNT(requests); i++)
		ck_assert_uint_eq(answers[i].status, i == 33 ? 404 : 200);
	ck_assert_uint_le(iov_http_counts(http).connections, 6);
	ck_assert_uint_eq(iov_http_counts(http).rounds, 2);
	release_answers();
}
END_TEST

static const struct {
	const char *path;
	enum iov_code code;
	const char *words;
	const char *authorization;
} refused[] = {
	{"too-long", IOV_E_UNTRUSTED, "more than the 65536 bytes that this file may have (endless data attack)", NULL},
	{"endless", IOV_E_UNTRUSTED, "more than the 65536 bytes that this file may have (endless data attack)", NULL},
	{"drip", IOV_E_NETWORK, "slow drip attack", NULL},
	{"silent", IOV_E_NETWORK, "slow drip attack", NULL},
	{"nonsense", IOV_E_NETWORK, "nonsense' ", NULL},
	{"circle", IOV_E_NETWORK, "more than 5 times", NULL},
	{"away", IOV_E_NETWORK, "a redirect that could carry credentials away", "Bearer none"},
	{"here", IOV_E_NETWORK, "follows no redirect, since it is for one place", "Bearer none"},
	{"members", IOV_E_NETWORK, "asks for a credential", "Bearer none"},
};

START_TEST(bad_servers_are_refused)
{
	unit_fails(ctx,
		   get((struct iov_http_request){.url = url_of(refused[_i].path),
						 .authorization = refused[_i].authorization}),
		   refused[_i].code, refused[_i].words);
	ck_assert_int_eq(answers[0].code, refused[_i].code);
	ck_assert_ptr_null(answers[0].body.data);
	ck_assert_uint_eq(*other.visits, 0);
	/* The session goes on. */
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("hello")}));
	release_answers();
}
END_TEST

START_TEST(credentials_open)
{
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("members"), .authorization = "Bearer open sesame"}));
	ck_assert_str_eq(answers[0].body.data, "hello");
	unit_fails(ctx, get((struct iov_http_request){.url = url_of("members")}), IOV_E_NETWORK, "401");
	ck_assert_uint_eq(answers[0].status, 401);
	unit_fails(ctx, get((struct iov_http_request){.url = url_of("members"), .authorization = "a\r\nb: c"}),
		   IOV_E_INPUT, "control characters");
	release_answers();
}
END_TEST

START_TEST(a_redirect_on_the_same_server_is_followed)
{
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("here")}));
	ck_assert_str_eq(answers[0].body.data, "hello");
	ck_assert_uint_eq(iov_http_counts(http).requests, 2);
	release_answers();
}
END_TEST

START_TEST(what_may_pass_is_tried_again)
{
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("busy")}));
	ck_assert_str_eq(answers[0].body.data, "hello");
	ck_assert_uint_eq(iov_http_counts(http).requests, 3);
	release_answers();
}
END_TEST

START_TEST(mirrors_are_asked_in_turn)
{
	const struct iov_http_place mirrors[] = {{url_of("gone"), NULL}, {url_at(&other, "hello"), NULL}};
	unit_ok(ctx, get((struct iov_http_request){.url = url_of("members"), .mirrors = mirrors, .n_mirrors = 2}));
	ck_assert_str_eq(answers[0].body.data, "hello");
	ck_assert_uint_eq(*web.visits, 2);
	release_answers();
}
END_TEST

START_TEST(urls_that_are_none)
{
	unit_fails(ctx, get((struct iov_http_request){.url = "ftp://127.0.0.1/x"}), IOV_E_INPUT, "ftp://127.0.0.1/x");
	unit_fails(ctx, get((struct iov_http_request){.url = "http://a:b@127.0.0.1/x"}), IOV_E_INPUT, "credentials");
	unit_fails(ctx, get((struct iov_http_request){.url = "http://127.0.0.1:1/x"}), IOV_E_NETWORK,
		   "cannot be reached");
	unit_fails(ctx, get((struct iov_http_request){.url = "http://nowhere.invalid/x"}), IOV_E_NETWORK,
		   "name is not known");
	ctx->config.offline = true;
	unit_fails(ctx, get((struct iov_http_request){.url = url_of("hello")}), IOV_E_NETWORK, "--offline");
	release_answers();
}
END_TEST

START_TEST(a_missing_program_is_told)
{
	free(ctx->worker);
	ctx->worker = strdup("/nowhere/iovpkg-worker");
	unit_fails(ctx, get((struct iov_http_request){.url = url_of("hello")}), IOV_E_IO,
		   "/nowhere/iovpkg-worker-http");
	release_answers();
}
END_TEST

/* Frames of a worker that was taken over, as printf(1) has them. */
#define FIELD(byte) byte "\\0\\0\\0\\0\\0\\0\\0"
#define ANSWER(number, status) "\\020\\0\\0\\0\\7" FIELD(number) status "\\0\\0\\0\\0\\0\\0"
#define BODY(number) "\\014\\0\\0\\0\\10" FIELD(number) "abcd"
#define DONE(code)                                                                                                     \
	"\\100\\0\\0\\0\\11" FIELD("\\0") FIELD(code) FIELD("\\0") FIELD("\\0") FIELD("\\0") FIELD("\\0") FIELD("\\0") \
		FIELD("\\0")
#define OK "\\310\\0"

static const char *const lies[] = {
	ANSWER("\\1", OK),						/* nothing was asked under this number */
	ANSWER("\\0", "\\316\\0"),					/* 206, and no part was asked for */
	ANSWER("\\0", "\\060\\1"),					/* 304 without an etag */
	ANSWER("\\0", "\\221\\1"),					/* 401 is no answer */
	ANSWER("\\0", OK) ANSWER("\\0", OK),				/* two at once */
	BODY("\\0"),							/* of no answer */
	ANSWER("\\0", OK) BODY("\\0") BODY("\\0") BODY("\\0"),		/* over the limit */
	DONE("\\0"),							/* of no answer */
	ANSWER("\\0", "\\224\\1") BODY("\\0"),				/* 404 with a body */
	"\\022\\0\\0\\0\\7" FIELD("\\0") OK "\\0\\0\\0\\0\\0\\0\\n\\n", /* an etag of line ends */
	"\\10\\0\\0\\0\\11" FIELD("\\0"),				/* short */
	"\\1\\0\\0\\0\\3x",						/* DATA */
};

START_TEST(a_worker_that_lies_is_ended)
{
	iov_auto(iov_buf_release) struct iov_buf script = {0};
	iov_auto(iov_free_ptr) char *program = iov_path(ctx, "/worker-http");
	free(ctx->worker);
	ctx->worker = iov_path(ctx, "/worker");
	iov_buf_printf(&script, "#!/bin/sh\nprintf '%s' >&3\nsleep 1\n", lies[_i]);
	ck_assert_int_eq(iov_fs_replace(program, script.data, script.len, 0755), 0);
	unit_fails(ctx, get((struct iov_http_request){.url = url_of("hello"), .limit = 10}), IOV_E_INTERNAL,
		   "does not speak this version's protocol");
	ck_assert_ptr_null(answers[0].body.data);
}
END_TEST

/* ---- files ------------------------------------------------------------------------------------------------------ */

static char *file_path(void)
{
	char *path = iov_path(ctx, "/archive");
	ck_assert_ptr_nonnull(path);
	return path;
}

static struct iov_http_file file_of(const char *name, const struct iov_http_place *places, size_t n_places,
				    const char *path)
{
	return (struct iov_http_file){.name = name,
				      .places = places,
				      .n_places = n_places,
				      .path = path,
				      .sha256 = content_sha256,
				      .size = FILE_SIZE};
}

static int download(const char *first, const char *second)
{
	iov_auto(iov_free_ptr) char *path = file_path();
	const struct iov_http_place places[] = {{first, NULL}, {second, NULL}};
	struct iov_http_file file = file_of("flow-top 1.2.0", places, second ? 2 : 1, path);
	int rc = iov_http_download(http, &file, 1);
	ck_assert_int_eq(file.code, rc);
	return rc;
}

static void is_there(size_t len)
{
	iov_auto(iov_free_ptr) char *path = file_path();
	iov_auto(iov_buf_release) struct iov_buf found = {0};
	ck_assert_int_eq(iov_fs_read(path, FILE_SIZE, &found), 0);
	ck_assert_uint_eq(found.len, len);
	ck_assert_int_eq(memcmp(found.data, content, len), 0);
}

static void put(const void *data, size_t len)
{
	iov_auto(iov_free_ptr) char *path = file_path();
	ck_assert_int_eq(iov_fs_replace(path, data, len, 0644), 0);
}

static void is_gone(void)
{
	iov_auto(iov_free_ptr) char *path = file_path();
	ck_assert(!iov_fs_exists(path));
}

static const char *const good_ways[] = {"part", "whole", "broken"};

START_TEST(a_download)
{
	unit_ok(ctx, download(url_of(good_ways[_i]), NULL));
	is_there(FILE_SIZE);
}
END_TEST

START_TEST(a_download_goes_on)
{
	put(content, 100000);
	unit_ok(ctx, download(url_of("part"), NULL));
	is_there(FILE_SIZE);
	ck_assert_uint_eq(iov_http_counts(http).body, FILE_SIZE - 100000);
}
END_TEST

START_TEST(a_server_without_parts_starts_again)
{
	put(content, 100000);
	unit_ok(ctx, download(url_of("whole"), NULL));
	is_there(FILE_SIZE);
	ck_assert_uint_eq(iov_http_counts(http).body, FILE_SIZE);
}
END_TEST

/* What is left behind is not the beginning of the file: found at the end, and fetched again from nothing. */
START_TEST(a_wrong_rest_is_thrown_away)
{
	put("wrong", 5);
	unit_ok(ctx, download(url_of("part"), NULL));
	is_there(FILE_SIZE);
	ck_assert_uint_eq(iov_http_counts(http).requests, 2);
	static const char zeros[FILE_SIZE + 1];
	put(zeros, sizeof(zeros));
	unit_ok(ctx, download(url_of("part"), NULL));
	is_there(FILE_SIZE);
}
END_TEST

START_TEST(a_whole_file_needs_no_request)
{
	put(content, FILE_SIZE);
	unit_ok(ctx, download(url_of("part"), NULL));
	ck_assert_uint_eq(*web.visits, 0);
}
END_TEST

START_TEST(a_forged_file_is_refused)
{
	unit_fails(ctx, download(url_of("forged"), NULL), IOV_E_UNTRUSTED, "are not the 307200 bytes with SHA-256");
	is_gone();
	unit_fails(ctx, download(url_of("hello"), NULL), IOV_E_UNTRUSTED, "gave 5 bytes of 'flow-top 1.2.0'");
	is_gone();
	unit_fails(ctx, download(url_of("endless"), NULL), IOV_E_UNTRUSTED, "endless data attack");
	unit_fails(ctx, download(url_of("gone"), NULL), IOV_E_NOT_FOUND, "is not there");
	unit_ok(ctx, download(url_of("forged"), url_at(&other, "part")));
	is_there(FILE_SIZE);
}
END_TEST

/* One server breaks off half-way; the next goes on from there. */
START_TEST(another_mirror_goes_on)
{
	unit_ok(ctx, download(url_of("broken"), url_at(&other, "part")));
	is_there(FILE_SIZE);
	ck_assert_uint_eq(*web.visits, 1);
	ck_assert_uint_eq(*other.visits, 1);
}
END_TEST

START_TEST(what_came_stays_for_the_next_time)
{
	put(content, 1000);
	unit_fails(ctx, download("http://127.0.0.1:1/x", NULL), IOV_E_NETWORK, "cannot be reached");
	is_there(1000);
	unit_ok(ctx, download(url_of("part"), NULL));
	is_there(FILE_SIZE);
}
END_TEST

static uint64_t seen_done, seen_total;

static void on_event(const struct iov_event *event, void *data)
{
	(void)data;
	if (event->kind != IOV_EVENT_PROGRESS)
		return;
	ck_assert(event->bytes);
	seen_done = event->done;
	seen_total = event->total;
}

START_TEST(progress_is_in_bytes_over_all)
{
	const struct iov_http_place place = {url_of("part"), NULL};
	iov_auto(iov_free_ptr) char *a = iov_path(ctx, "/a");
	iov_auto(iov_free_ptr) char *b = iov_path(ctx, "/b");
	struct iov_http_file files[] = {file_of("a 1.0.0", &place, 1, a), file_of("b 1.0.0", &place, 1, b)};
	ctx->config.event = on_event;
	unit_ok(ctx, iov_http_download(http, files, 2));
	ck_assert_uint_eq(seen_done, 2 * FILE_SIZE);
	ck_assert_uint_eq(seen_total, 2 * FILE_SIZE);
}
END_TEST

Suite *suite_worker_http(void)
{
	Suite *suite = suite_create("worker_http");
	TCase *cases = tcase_create("http");
	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, a_file_and_its_tag);
	tcase_add_test(cases, many_at_once);
	tcase_add_loop_test(cases, bad_servers_are_refused, 0, IOV_COUNT(refused));
	tcase_add_test(cases, credentials_open);
	tcase_add_test(cases, a_redirect_on_the_same_server_is_followed);
	tcase_add_test(cases, what_may_pass_is_tried_again);
	tcase_add_test(cases, mirrors_are_asked_in_turn);
	tcase_add_test(cases, urls_that_are_none);
	tcase_add_test(cases, a_missing_program_is_told);
	tcase_add_loop_test(cases, a_worker_that_lies_is_ended, 0, IOV_COUNT(lies));
	tcase_add_loop_test(cases, a_download, 0, IOV_COUNT(good_ways));
	tcase_add_test(cases, a_download_goes_on);
	tcase_add_test(cases, a_server_without_parts_starts_again);
	tcase_add_test(cases, a_wrong_rest_is_thrown_away);
	tcase_add_test(cases, a_whole_file_needs_no_request);
	tcase_add_test(cases, a_forged_file_is_refused);
	tcase_add_test(cases, another_mirror_goes_on);
	tcase_add_test(cases, what_came_stays_for_the_next_time);
	tcase_add_test(cases, progress_is_in_bytes_over_all);
	suite_add_tcase(suite, cases);
	return suite;
}
