/* What git says to the hook proc-receive, line by line, and what it is answered. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/receive.h"
#include "unit.h"
#include "util/cleanup.h"

#define ZEROS "0000000000000000000000000000000000000000"
#define COMMIT "1111111111111111111111111111111111111111"
#define GREETING "000dversion=1"

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

/* `said` by git, in one piece; what it hears is in `heard`. */
static int begin(const char *said, size_t len, struct iov_pushes *ret, char heard[64])
{
	int in[2], out[2];
	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(write(in[1], said, len), (ssize_t)len);
	close(in[1]);
	int rc = iov_receive_begin(ctx, in[0], out[1], ret);
	close(out[1]);
	ssize_t got = read(out[0], heard, 63);
	heard[got > 0 ? got : 0] = '\0';
	close(in[0]);
	close(out[0]);
	return rc;
}

START_TEST(a_push_of_one_ref)
{
	static const char said[] = "001aversion=1\0push-options00000062" ZEROS " " COMMIT " refs/heads/x0000";
	char heard[64], length[5], line[256];
	iov_auto(iov_pushes_release) struct iov_pushes pushes = {0};
	snprintf(line, sizeof(line), ZEROS " " COMMIT " refs/heads/x");
	snprintf(length, sizeof(length), "%04zx", strlen(line) + 4);
	ck_assert_str_eq(length, "0062");
	unit_ok(ctx, begin(said, sizeof(said) - 1, &pushes, heard));
	ck_assert_str_eq(heard, GREETING "0000");
	ck_assert_uint_eq(pushes.count, 1);
	ck_assert_str_eq(pushes.items[0].from, ZEROS);
	ck_assert_str_eq(pushes.items[0].to, COMMIT);
	ck_assert_str_eq(pushes.items[0].ref, "refs/heads/x");
	ck_assert(!iov_push_deletes(&pushes.items[0]));
}
END_TEST

static const struct {
	const char *said, *refused;
} broken[] = {
	{"", "stops in the middle"},
	{"00", "stops in the middle"},
	{"000dversion", "stops in the middle"},
	{"zzzzversion=1", "begins without its length"},
	{"0003", "a length that none can have"},
	{"fff1", "a length that none can have"},
	{"0000", "does not begin with 'version=1'"},
	{"000dversion=20000", "does not begin with 'version=1'"},
	{GREETING "00000009hello0000", "does not name two commits and a ref"},
	{GREETING "00000054" ZEROS COMMIT "0000", "does not name two commits and a ref"},
	{GREETING "0000", "stops in the middle"},
};

START_TEST(anything_else_is_refused)
{
	char heard[64];
	iov_auto(iov_pushes_release) struct iov_pushes pushes = {0};
	unit_fails(ctx, begin(broken[_i].said, strlen(broken[_i].said), &pushes, heard), IOV_E_INPUT,
		   broken[_i].refused);
	ck_assert_uint_eq(pushes.count, 0);
}
END_TEST

START_TEST(a_reason_is_one_line)
{
	int fds[2];
	char told[128];
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	unit_ok(ctx, iov_receive_refuse(ctx, fds[1], "refs/heads/x", "input: two\nlines \033[31m"));
	unit_ok(ctx, iov_receive_pass(ctx, fds[1], "refs/heads/y"));
	unit_ok(ctx, iov_receive_end(ctx, fds[1]));
	ssize_t got = read(fds[0], told, sizeof(told) - 1);
	told[got] = '\0';
	ck_assert_str_eq(told,
			 "002ang refs/heads/x input: two lines  [31m0013ok refs/heads/y0017option fall-through0000");
	close(fds[0]);
	close(fds[1]);
}
END_TEST

Suite *suite_registry_receive(void)
{
	Suite *suite = suite_create("registry_receive");
	TCase *cases = tcase_create("receive");
	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(cases, a_push_of_one_ref);
	tcase_add_loop_test(cases, anything_else_is_refused, 0, IOV_COUNT(broken));
	tcase_add_test(cases, a_reason_is_one_line);
	suite_add_tcase(suite, cases);
	return suite;
}
