/* netrc, the answers of helpers, and credentials.yaml. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "credentials/credentials.h"
#include "credentials/helper.h"
#include "credentials/netrc.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

/* Below the test's root; the path is owned by the caller. */
static char *write_file(const char *name, const char *text, mode_t mode)
{
	char *path = iov_path(ctx, "%s", name);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), mode), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

/* ---- netrc ------------------------------------------------------------------------------------------------------ */

static void assert_login(const char *netrc, const char *host, const char *username, const char *password)
{
	iov_auto(iov_netrc_login_release) struct iov_netrc_login login = {0};
	unit_ok(ctx, iov_netrc_find(ctx, "netrc", netrc, strlen(netrc), host, &login));
	ck_assert_pstr_eq(login.username, username);
	ck_assert_pstr_eq(login.password, password);
}

START_TEST(reads_netrc)
{
	static const char netrc[] = "# comment login x\n"
				    "machine a login me password p#1\n"
				    "machine B.example\n\tlogin you\n\taccount z\n\tpassword \"two \\\"words\\\"\"\n"
				    "macdef init\nmachine c login no password no\n\n"
				    "machine c password alone\n"
				    "machine c login last password one\n"
				    "default login any password secret\n";
	assert_login(netrc, "a", "me", "p#1");
	assert_login(netrc, "b.example", "you", "two \"words\"");
	assert_login(netrc, "c", "last", "one");
	assert_login(netrc, "d", NULL, NULL);
	assert_login("", "a", NULL, NULL);
	assert_login("machine a login b", "a", NULL, NULL);
}
END_TEST

START_TEST(refuses_broken_netrc)
{
	struct iov_netrc_login login;
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"machine a\nlogin b hunter2", "netrc:2: neither machine"},
		{"machine", "the file ends"},
		{"machine a login \"b", "does not end"},
		{"machine a login b\x01", "control character"},
		{"machine a login b:c password d", "with ':' in it"},
	};
	for (size_t i = 0; i < IOV_COUNT(cases); i++) {
		unit_fails(ctx, iov_netrc_find(ctx, "netrc", cases[i].text, strlen(cases[i].text), "a", &login),
			   IOV_E_INPUT, cases[i].words);
		ck_assert_ptr_null(strstr(iov_error_text(ctx), "hunter2"));
	}
	unit_fails(ctx, iov_netrc_find(ctx, "netrc", "machine a login \0", 17, "a", &login), IOV_E_INPUT, "control");
}
END_TEST

/* ---- helpers ---------------------------------------------------------------------------------------------------- */

static struct iov_scope scope_of(const char *url)
{
	struct iov_scope scope = {.scheme = NULL};
	unit_ok(ctx, iov_scope_parse(ctx, url, &scope));
	return scope;
}

START_TEST(takes_what_a_helper_says)
{
	iov_auto(iov_scope_release) struct iov_scope scope = scope_of("https://h:8443/x");
	iov_auto(iov_helper_answer_release) struct iov_helper_answer basic = {0}, bearer = {0};
	static const char first[] = "protocol=https\nhost=H:8443\nusername=me\r\npassword=a=b\nstrange=1\n\nrest";
	static const char second[] = "capability[]=authtype\nauthtype=Bearer\ncredential=tok\n";
	unit_ok(ctx, iov_helper_parse(ctx, "help", &scope, first, strlen(first), &basic));
	ck_assert_str_eq(basic.username, "me");
	ck_assert_str_eq(basic.password, "a=b");
	unit_ok(ctx, iov_helper_parse(ctx, "help", &scope, second, strlen(second), &bearer));
	ck_assert_str_eq(bearer.credential, "tok");
}
END_TEST

START_TEST(refuses_nonsense_of_a_helper)
{
	iov_auto(iov_scope_release) struct iov_scope scope = scope_of("https://h/x");
	struct iov_helper_answer answer;
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"", "knows none"},
		{"hello\n", "a line without '='"},
		{"=x\n", "a line without '='"},
		{"username=me\n", "lacks the username or the password"},
		{"username=me\npassword=\n", "lacks the username or the password"},
		{"username=m:e\npassword=x\n", "':' in it"},
		{"username=me\npassword=a\x01\n", "control character"},
		{"host=other\nusername=me\npassword=x\n", "another place"},
		{"host=h:8443\nusername=me\npassword=x\n", "another place"},
		{"protocol=http\nusername=me\npassword=x\n", "another place"},
		{"url=https://h/\n", "another place"},
		{"quit=1\n", "says to stop"},
		{"username=me\npassword=x\npassword_expiry_utc=12\n", "expired"},
	};
	for (size_t i = 0; i < IOV_COUNT(cases); i++)
		unit_fails(ctx, iov_helper_parse(ctx, "help", &scope, cases[i].text, strlen(cases[i].text), &answer),
			   IOV_E_INPUT, cases[i].words);
	unit_fails(ctx, iov_helper_parse(ctx, "help", &scope, "username=me\0x\n", 14, &answer), IOV_E_INPUT, "a NUL");
}
END_TEST

/* A program of these lines, asked with a limit of so many milliseconds. */
static int ask(const char *script, unsigned timeout_ms, struct iov_helper_answer *ret)
{
	iov_auto(iov_free_ptr) char *path = write_file("/helper", script, 0755);
	iov_auto(iov_json_release) json_t *words = json_pack("[s, s]", path, "--flag with blanks; $(touch x)");
	iov_auto(iov_scope_release) struct iov_scope scope = scope_of("https://h:8443/team/x.git");
	const struct iov_helper helper = {words, &scope, timeout_ms};
	return iov_helper_get(ctx, &helper, ret);
}

START_TEST(asks_a_helper)
{
	iov_auto(iov_helper_answer_release) struct iov_helper_answer answer = {0};
	unit_ok(ctx, ask("#!/bin/sh\n[ \"$1\" = '--flag with blanks; $(touch x)' ] && [ \"$2\" = get ] || exit 3\n"
			 "[ \"$(env | cut -d= -f1 | grep -vE '^(PWD|OLDPWD|_|SHLVL)$' | sort | tr '\\n' ' ')\" = "
			 "'HOME LC_ALL PATH ' ] || exit 4\n"
			 "cat | grep -v capability | tr '\\n' ' ' | sed 's/^/username=me\\npassword=/'; echo\n",
			 10000, &answer));
	ck_assert_str_eq(answer.password, "protocol=https host=h:8443 path=team/x.git  ");
}
END_TEST

START_TEST(survives_a_bad_helper)
{
	struct iov_helper_answer answer;
	unit_fails(ctx, ask("#!/bin/sh\nsleep 60\n", 200, &answer), IOV_E_INPUT, "was killed");
	unit_fails(ctx, ask("#!/bin/sh\necho 'no vault' >&2; exit 7\n", 10000, &answer), IOV_E_INPUT,
		   "status 7; it says: no vault");
	unit_fails(ctx, ask("#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\n", 10000, &answer), IOV_E_INPUT,
		   "longer than 64 KiB");
	unit_fails(ctx, ask("#!/bin/sh\nhead -c 100 /dev/zero\n", 10000, &answer), IOV_E_INPUT, "a NUL");
	unit_fails(ctx, ask("#!/nowhere/at/all\n", 10000, &answer), IOV_E_IO, "cannot start the credential helper");
}
END_TEST

/* ---- credentials.yaml ------------------------------------------------------------------------------------------- */

static void write_entries(const char *entries, mode_t mode)
{
	struct iov_buf text = {0};
	iov_buf_printf(&text, "schema: 1\ncredentials:\n%s", entries);
	iov_auto(iov_free_ptr) char *whole = iov_buf_take(&text);
	free(write_file("/etc/iovpkg/credentials.yaml", whole, mode));
}

static void assert_header(const char *url, const char *expected)
{
	const struct iov_credential *credential = NULL;
	unit_ok(ctx, iov_credential_find(ctx, url, &credential));
	ck_assert_pstr_eq(credential ? credential->authorization : NULL, expected);
}

static const char *environment(const char *name, void *data)
{
	(void)data;
	return !strcmp(name, "CI_TOKEN") ? "from-ci" : NULL;
}

START_TEST(finds_the_longest)
{
	char entries[2048];
	iov_auto(iov_free_ptr) char *token = write_file("/token", "t0k\n", 0600);
	iov_auto(iov_free_ptr) char *password = write_file("/password", "p:w", 0400);
	ctx->config.environment = environment;
	snprintf(entries, sizeof(entries),
		 "  - {url: 'https://h/', token_file: %s}\n"
		 "  - {url: 'https://h/team', username: me, password_file: %s}\n"
		 "  - {url: 'https://h/team/x.git', environment: CI_TOKEN}\n"
		 "  - {url: 'https://h/team/y.git', environment: CI_TOKEN, username: ci}\n"
		 "  - {url: 'https://h/unset', environment: NO_TOKEN}\n",
		 token, password);
	write_entries(entries, 0644);
	free(write_file("/etc/iovpkg/netrc", "machine n login l password m machine h login no password no", 0600));
	assert_header("https://h/other.git", "Bearer t0k");
	assert_header("https://h/team/z.git", "Basic bWU6cDp3");
	assert_header("sparse+https://h/team/x.git", "Bearer from-ci");
	assert_header("https://h/team/y.git/", "Basic Y2k6ZnJvbS1jaQ==");
	assert_header("https://n:444/z", "Basic bDpt");
	assert_header("https://h:444/z", "Basic bm86bm8=");
	assert_header("https://unknown/z", NULL);
	assert_header("http://h/team", NULL);
	assert_header("/srv/x", NULL);
	const struct iov_credential *credential;
	unit_fails(ctx, iov_credential_find(ctx, "https://h/unset", &credential), IOV_E_INPUT, "'NO_TOKEN' is not set");
}
END_TEST

START_TEST(asks_a_helper_once)
{
	char entries[512];
	iov_auto(iov_buf_release) struct iov_buf asked = {0};
	iov_auto(iov_free_ptr) char *log = iov_path(ctx, "/log");
	snprintf(entries, sizeof(entries), "#!/bin/sh\necho $1 >>%s; echo username=a; echo password=b\n", log);
	iov_auto(iov_free_ptr) char *helper = write_file("/helper", entries, 0755);
	snprintf(entries, sizeof(entries), "  - {url: 'https://h/', helper: [%s]}\n", helper);
	write_entries(entries, 0644);
	assert_header("https://h/x", "Basic YTpi");
	assert_header("sparse+https://h/x/packages/ab", "Basic YTpi");
	iov_credential_accepted(ctx, "https://h/x/index");
	iov_credential_accepted(ctx, "https://h/x");
	iov_credential_accepted(ctx, "https://h/never-asked-for");
	ck_assert_int_eq(iov_fs_read(log, 100, &asked), 0);
	ck_assert_str_eq(asked.data, "get\nstore\n");
}
END_TEST

START_TEST(shows_a_refused_one_no_more)
{
	const struct iov_credential *credential;
	char entries[512];
	iov_auto(iov_free_ptr) char *token = write_file("/token", "t0k\n", 0600);
	snprintf(entries, sizeof(entries), "  - {url: 'https://h/', token_file: %s}\n", token);
	write_entries(entries, 0644);
	assert_header("https://h/x", "Bearer t0k");
	unit_fails(ctx, iov_credential_refused(ctx, "https://h/x"), IOV_E_NETWORK, token);
	unit_fails(ctx, iov_credential_find(ctx, "https://h/x", &credential), IOV_E_NETWORK, "does not accept");
	unit_fails(ctx, iov_credential_find(ctx, "https://h/x/y", &credential), IOV_E_NETWORK, "does not accept");
	assert_header("https://h/z", "Bearer t0k");
	ck_assert_ptr_null(strstr(iov_error_text(ctx), "t0k"));
}
END_TEST

/* The entries as they are now, with what was kept of earlier ones forgotten. */
static void assert_refused(const char *entries, mode_t mode, const char *words)
{
	const struct iov_credential *credential = NULL;
	write_entries(entries, mode);
	unit_fails(ctx, iov_credential_find(ctx, "https://h/x", &credential), IOV_E_INPUT, words);
	if (ctx->credentials)
		ctx->free_credentials(ctx->credentials);
	ctx->credentials = NULL;
}

START_TEST(refuses_bad_entries)
{
	assert_refused("  - {url: 'https://h/', token_file: /t}\n", 0666, "can be written by others");
	assert_refused("  - {url: 'http://h/', token_file: /t}\n", 0644, "https:// or ssh://");
	assert_refused("  - {url: 'https://me:pw@h/', token_file: /t}\n", 0644, "leave that out");
	assert_refused("  - {url: 'https://h/', token_file: t}\n", 0644, "no absolute path");
	assert_refused("  - {url: 'https://h/'}\n", 0644, "says not where its credential is");
	assert_refused("  - {url: 'https://h/', token_file: /t, environment: T}\n", 0644, "are both there");
	assert_refused("  - {url: 'https://h/', password_file: /t}\n", 0644, "needs a 'username'");
	assert_refused("  - {url: 'https://h/', token_file: /t, username: me}\n", 0644, "does not go with");
	assert_refused("  - {url: 'https://h/', ssh_key: /k}\n", 0644, "'ssh_key' is for ssh://");
	assert_refused("  - {url: 'ssh://h/', token_file: /k}\n", 0644, "'token_file' is for https://");
	assert_refused("  - {url: 'https://h/', helper: [git-credential-store]}\n", 0644, "no absolute path");
	assert_refused("  - {url: 'https://h/', environment: A-B}\n", 0644, "no name of an environment variable");
	assert_refused("  - {url: 'https://h/', token: abc}\n", 0644, "token");
	assert_refused("  - {url: 'https://h/', token_file: /t}\n  - {url: 'https://H:443', token_file: /t}\n", 0644,
		       "is there twice");
	assert_refused("  - {url: 'https://h/', token_file: /nowhere/at/all}\n", 0644, "there is no token file");
}
END_TEST

START_TEST(refuses_unsafe_files)
{
	char entries[512];
	iov_auto(iov_free_ptr) char *token = write_file("/token", "t0k\n", 0640);
	snprintf(entries, sizeof(entries), "  - {url: 'https://h/', token_file: %s}\n", token);
	assert_refused(entries, 0644, "can be read or written by others (mode 640)");
	free(write_file("/token", "two\nlines\n", 0600));
	assert_refused(entries, 0644, "does not hold one line");
	free(write_file("/token", "\n", 0600));
	assert_refused(entries, 0644, "does not hold one line");
	free(write_file("/etc/iovpkg/netrc", "machine h login a password b", 0644));
	assert_refused("  - {url: 'https://other/', token_file: /t}\n", 0644,
		       "netrc' can be read or written by others");
}
END_TEST

START_TEST(takes_keys_without_a_passphrase)
{
	const struct iov_credential *credential = NULL;
	char entries[512];
	iov_auto(iov_free_ptr) char *plain = write_file(
		"/plain", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n-----END",
		0600);
	iov_auto(iov_free_ptr) char *locked = write_file(
		"/locked",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAA=\n-----END", 0600);
	iov_auto(iov_free_ptr) char *none = write_file("/none", "ssh-ed25519 AAAA", 0600);
	snprintf(entries, sizeof(entries),
		 "  - {url: 'ssh://git@h/', ssh_key: %s}\n  - {url: 'ssh://git@g/', ssh_key: %s}\n"
		 "  - {url: 'ssh://f/', ssh_key: %s}\n",
		 plain, locked, none);
	write_entries(entries, 0644);
	unit_ok(ctx, iov_credential_find(ctx, "git@h:x.git", &credential));
	ck_assert_str_eq(credential->ssh_key, plain);
	unit_fails(ctx, iov_credential_find(ctx, "git@g:x.git", &credential), IOV_E_INPUT, "has a passphrase");
	unit_fails(ctx, iov_credential_find(ctx, "git@f:x.git", &credential), IOV_E_INPUT, "is no private key");
}
END_TEST

START_TEST(says_where_they_come_from)
{
	iov_auto(iov_json_release) json_t *one = NULL, *two = NULL, *none = NULL;
	write_entries("  - {url: 'https://h/', token_file: /nowhere}\n", 0644);
	free(write_file("/etc/iovpkg/netrc", "machine n login l password m", 0600));
	unit_ok(ctx, iov_credential_describe(ctx, "https://h/x", &one));
	ck_assert_str_eq(json_string_value(json_object_get(one, "kind")), "token_file");
	unit_ok(ctx, iov_credential_describe(ctx, "https://n/x", &two));
	ck_assert_str_eq(json_string_value(json_object_get(two, "kind")), "netrc");
	unit_ok(ctx, iov_credential_describe(ctx, "http://n/x", &none));
	ck_assert(json_is_null(none));
}
END_TEST

Suite *suite_credentials_sources(void)
{
	Suite *suite = suite_create("credentials_sources");
	TCase *tests = tcase_create("sources");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, reads_netrc);
	tcase_add_test(tests, refuses_broken_netrc);
	tcase_add_test(tests, takes_what_a_helper_says);
	tcase_add_test(tests, refuses_nonsense_of_a_helper);
	tcase_add_test(tests, asks_a_helper);
	tcase_add_test(tests, survives_a_bad_helper);
	tcase_add_test(tests, finds_the_longest);
	tcase_add_test(tests, asks_a_helper_once);
	tcase_add_test(tests, shows_a_refused_one_no_more);
	tcase_add_test(tests, refuses_bad_entries);
	tcase_add_test(tests, refuses_unsafe_files);
	tcase_add_test(tests, takes_keys_without_a_passphrase);
	tcase_add_test(tests, says_where_they_come_from);
	suite_add_tcase(suite, tests);
	return suite;
}
