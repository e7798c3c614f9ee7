#include "credentials/scope.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

/* The scope of a URL as "scheme user host port path". */
static void assert_scope(const char *url, const char *expected)
{
	iov_auto(iov_scope_release) struct iov_scope scope = {.scheme = NULL};
	char got[512];
	unit_ok(ctx, iov_scope_parse(ctx, url, &scope));
	snprintf(got, sizeof(got), "%s %s %s %u %s", scope.scheme ? scope.scheme : "-", scope.user ? scope.user : "-",
		 scope.host ? scope.host : "-", scope.port, scope.path ? scope.path : "-");
	ck_assert_str_eq(got, expected);
}

START_TEST(takes_urls_apart)
{
	assert_scope("https://Git.Example.org", "https - git.example.org 443 ");
	assert_scope("https://git.example.org:8443//team///modules.git/",
		     "https - git.example.org 8443 team/modules.git");
	assert_scope("sparse+https://h/a?b#c", "https - h 443 a");
	assert_scope("HTTPS://h/%7eme/a%20b", "https - h 443 ~me/a b");
	assert_scope("https://[2001:db8::1]:444/x", "https - [2001:db8::1] 444 x");
	assert_scope("ssh://git@h:2222/srv/x.git", "ssh git h 2222 srv/x.git");
	assert_scope("git@h:team/x.git", "ssh git h 22 team/x.git");
}
END_TEST

START_TEST(sends_nothing_elsewhere)
{
	static const char *const urls[] = {"http://h/x", "sparse+http://h/x", "git://h/x", "file:///srv/x", "/srv/x",
					   "x"};
	for (size_t i = 0; i < IOV_COUNT(urls); i++)
		assert_scope(urls[i], "- - - 0 -");
}
END_TEST

START_TEST(refuses_doubtful_urls)
{
	static const char *const urls[] = {
		"https:///x",		"https://h:/x",		"https://h:0/x",  "https://h:65536/x",
		"https://h:4x/x",	"https://h\\evil/x",	"https://h h/x",  "https://[::1/x",
		"https://h/a/../b",	"https://h/a/%2e%2E/b", "https://h/./a",  "https://h/a%2f..%2fb",
		"https://h/a%5c..%5cb", "https://h/a%00b",	"https://h/a%zz", "https://h/a/..",
		"ssh://h/../x",		"https://h\xc3\xa4/x",
	};
	for (size_t i = 0; i < IOV_COUNT(urls); i++) {
		struct iov_scope scope;
		ck_assert_msg(iov_scope_parse(ctx, urls[i], &scope) == IOV_E_INPUT, "%s", urls[i]);
	}
}
END_TEST

START_TEST(refuses_secrets_in_urls)
{
	static const char *const bad[] = {
		"https://user:s3cret@h/x",   "https://s3cret@h/x",   "http://s3cret@h/x",	"ssh://git:s3cret@h/x",
		"sparse+https://s3cret@h/x", "https://a@s3cret@h/x", "sparse+http://u:s3cret@h"};
	static const char *const good[] = {"https://h/x@y", "ssh://git@h/x", "git@h:x", "/srv/a@b:c", "https://h/?a@b"};
	for (size_t i = 0; i < IOV_COUNT(bad); i++) {
		unit_fails(ctx, iov_scope_refuse_secret(ctx, bad[i]), IOV_E_USAGE, "credentials.yaml");
		ck_assert_ptr_null(strstr(iov_error_text(ctx), "s3cret"));
	}
	for (size_t i = 0; i < IOV_COUNT(good); i++)
		unit_ok(ctx, iov_scope_refuse_secret(ctx, good[i]));
}
END_TEST

static bool covers(const char *area, const char *url)
{
	iov_auto(iov_scope_release) struct iov_scope a = {.scheme = NULL};
	iov_auto(iov_scope_release) struct iov_scope b = {.scheme = NULL};
	unit_ok(ctx, iov_scope_parse(ctx, area, &a));
	unit_ok(ctx, iov_scope_parse(ctx, url, &b));
	return iov_scope_covers(&a, &b);
}

START_TEST(stays_within_its_place)
{
	ck_assert(covers("https://h/", "https://h/team/x.git"));
	ck_assert(covers("https://h/team", "https://H:443/team/x.git"));
	ck_assert(covers("https://h/team/", "sparse+https://h/team"));
	ck_assert(covers("ssh://h/", "git@h:x"));
	ck_assert(covers("ssh://git@h/", "git@h:x"));
	ck_assert(!covers("https://h/team", "https://h/team2"));
	ck_assert(!covers("https://h/team", "https://h/"));
	ck_assert(!covers("https://h/", "https://h:444/"));
	ck_assert(!covers("https://h/", "https://g.h/"));
	ck_assert(!covers("https://h/", "http://h/"));
	ck_assert(!covers("https://h/", "ssh://h/"));
	ck_assert(!covers("ssh://git@h/", "ssh://me@h/x"));
	ck_assert(!covers("ssh://git@h/", "ssh://h/x"));
	ck_assert(!covers("/srv", "/srv"));
}
END_TEST

Suite *suite_credentials_scope(void)
{
	Suite *suite = suite_create("credentials_scope");
	TCase *tests = tcase_create("scope");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, takes_urls_apart);
	tcase_add_test(tests, sends_nothing_elsewhere);
	tcase_add_test(tests, refuses_doubtful_urls);
	tcase_add_test(tests, refuses_secrets_in_urls);
	tcase_add_test(tests, stays_within_its_place);
	suite_add_tcase(suite, tests);
	return suite;
}
