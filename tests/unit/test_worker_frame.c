/* The frames between the two processes, over a real socket pair. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/protocol.h"

static int ends[2];
static struct iov_frame frame;

static void set_up(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(iov_frame_init(&frame), 0);
}

static void tear_down(void)
{
	iov_frame_release(&frame);
	close(ends[0]);
	close(ends[1]);
}

static void put(const void *bytes, size_t len)
{
	ck_assert_int_eq(send(ends[0], bytes, len, 0), (int)len);
}

START_TEST(carries_payloads)
{
	char large[IOV_FRAME_MAX];
	memset(large, 'x', sizeof(large));
	ck_assert_int_eq(iov_frame_send(ends[0], IOV_FRAME_REQUEST, "{}", 2, 0), 0);
	ck_assert_int_eq(iov_frame_send(ends[0], IOV_FRAME_END, NULL, 0, 0), 0);
	ck_assert_int_eq(iov_frame_send(ends[0], IOV_FRAME_DATA, large, sizeof(large), 0), 0);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert_int_eq(frame.type, IOV_FRAME_REQUEST);
	ck_assert_str_eq(frame.payload, "{}");
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert_int_eq(frame.type, IOV_FRAME_END);
	ck_assert_uint_eq(frame.len, 0);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert_uint_eq(frame.len, sizeof(large));
	ck_assert_mem_eq(frame.payload, large, sizeof(large));
}
END_TEST

START_TEST(layout_is_the_documented_one)
{
	static const char want[] = "\x03\0\0\0\x03"
				   "abc";
	char got[8];
	ck_assert_int_eq(iov_frame_send(ends[0], IOV_FRAME_DATA, "abc", 3, 0), 0);
	ck_assert_int_eq(recv(ends[1], got, sizeof(got), 0), 8);
	ck_assert_mem_eq(got, want, 8);
}
END_TEST

START_TEST(fields_survive)
{
	const char *path, *text;
	uint64_t size, done, total;
	uint8_t code;
	ck_assert_int_eq(iov_frame_send_file(ends[0], "src/x.c", 1ull << 40, 0), 0);
	ck_assert_int_eq(iov_frame_send_progress(ends[0], 3, 7), 0);
	ck_assert_int_eq(iov_frame_send_error(ends[0], IOV_E_NETWORK, "no way"), 0);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert(iov_frame_parse_file(&frame, &path, &size));
	ck_assert_str_eq(path, "src/x.c");
	ck_assert_uint_eq(size, 1ull << 40);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert(iov_frame_parse_progress(&frame, &done, &total));
	ck_assert_uint_eq(done, 3);
	ck_assert_uint_eq(total, 7);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert(iov_frame_parse_error(&frame, &code, &text));
	ck_assert_int_eq(code, IOV_E_NETWORK);
	ck_assert_str_eq(text, "no way");
}
END_TEST

START_TEST(what_a_server_said_survives)
{
	bool accepted = true;
	ck_assert_int_eq(iov_frame_send_credential(ends[0], false), 0);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert(iov_frame_parse_credential(&frame, &accepted));
	ck_assert(!accepted);
	frame.payload[0] = 2;
	ck_assert(!iov_frame_parse_credential(&frame, &accepted));
}
END_TEST

/* A header that promises too much or has no such type is refused before anything is allocated or read for it. */
START_TEST(bad_headers_are_refused)
{
	static const char *const headers[] = {"\x01\0\x01\0\x03", "\xff\xff\xff\xff\x03", "\0\0\0\0\0", "\0\0\0\0\x0b",
					      "\0\0\0\0\xff"};
	put(headers[_i], 5);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), -EPROTO);
}
END_TEST

START_TEST(bad_fields_are_refused)
{
	const char *text;
	uint64_t a, b;
	uint8_t code;
	put("\x07\0\0\0\x02"
	    "1234567",
	    12);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert(!iov_frame_parse_file(&frame, &text, &a));
	ck_assert(!iov_frame_parse_progress(&frame, &a, &b));
	put("\x0b\0\0\0\x02"
	    "12345678a\0b",
	    16);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert(!iov_frame_parse_file(&frame, &text, &a));
	put("\x01\0\0\0\x05"
	    "1",
	    6);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), 0);
	ck_assert(!iov_frame_parse_error(&frame, &code, &text));
}
END_TEST

START_TEST(too_large_is_not_sent)
{
	static const char large[IOV_FRAME_MAX + 1];
	ck_assert_int_eq(iov_frame_send(ends[0], IOV_FRAME_DATA, large, sizeof(large), 0), -EMSGSIZE);
	ck_assert_int_eq(recv(ends[1], frame.payload, 1, MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(silence_meets_the_deadline)
{
	int64_t start = iov_frame_now();
	put("\x03\0\0", 3);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, start + 50), -ETIME);
	ck_assert_int_ge(iov_frame_now() - start, 50);
	ck_assert_int_lt(iov_frame_now() - start, 5000);
}
END_TEST

START_TEST(a_full_socket_meets_the_deadline)
{
	static const char large[IOV_FRAME_MAX];
	int rc = 0;
	int64_t deadline = iov_frame_now() + 50;
	for (int i = 0; i < 1000 && !rc; i++)
		rc = iov_frame_send(ends[0], IOV_FRAME_DATA, large, sizeof(large), deadline);
	ck_assert_int_eq(rc, -ETIME);
}
END_TEST

START_TEST(the_end_of_the_other_side_is_told)
{
	shutdown(ends[1], SHUT_WR);
	ck_assert_int_eq(iov_frame_receive(ends[0], &frame, 0), -EPIPE);
	shutdown(ends[1], SHUT_RD);
	ck_assert_int_eq(iov_frame_send(ends[0], IOV_FRAME_END, NULL, 0, 0), -EPIPE);
}
END_TEST

START_TEST(a_cut_payload_is_an_end)
{
	put("\x05\0\0\0\x03"
	    "ab",
	    7);
	shutdown(ends[0], SHUT_WR);
	ck_assert_int_eq(iov_frame_receive(ends[1], &frame, 0), -EPIPE);
}
END_TEST

Suite *suite_worker_frame(void);
Suite *suite_worker_frame(void)
{
	Suite *suite = suite_create("worker_frame");
	TCase *tests = tcase_create("all");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, carries_payloads);
	tcase_add_test(tests, layout_is_the_documented_one);
	tcase_add_test(tests, fields_survive);
	tcase_add_test(tests, what_a_server_said_survives);
	tcase_add_loop_test(tests, bad_headers_are_refused, 0, 5);
	tcase_add_test(tests, bad_fields_are_refused);
	tcase_add_test(tests, too_large_is_not_sent);
	tcase_add_test(tests, silence_meets_the_deadline);
	tcase_add_test(tests, a_full_socket_meets_the_deadline);
	tcase_add_test(tests, the_end_of_the_other_side_is_told);
	tcase_add_test(tests, a_cut_payload_is_an_end);
	suite_add_tcase(suite, tests);
	return suite;
}
