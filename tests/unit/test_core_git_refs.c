/* One ref asked for in version 2 of git's protocol, and told in version 0. */
#include "core/git_refs.h"
#include "unit.h"
#include "util/cleanup.h"

#define ID "1111111111111111111111111111111111111111"
#define OTHER "2222222222222222222222222222222222222222"
#define MAIN "refs/heads/main"
#define V2 "000eversion 2\n"
#define LS "000cls-refs\n"
#define REF "003d" ID " " MAIN "\n"
#define TOLD "001e# service=git-upload-pack\n0000"

START_TEST(versions)
{
	static const struct {
		const char *text;
		bool v2;
	} rows[] = {
		{V2, true},
		{"000dversion 2", true},
		{TOLD V2, true},
		{"", false},
		{"000e", false},
		{"000eversion 1\n", false},
		{"000fversion 2 \n", false},
		{"000Eversion 2\n", false},
		{TOLD "003d" ID " " MAIN, false},
		{TOLD TOLD V2, false},
		{"001e# service=git-upload-pack\n" V2, false},
		{"0000" V2, false},
	};
	for (size_t i = 0; i < IOV_COUNT(rows); i++)
		ck_assert_msg(iov_git_refs_is_v2(rows[i].text, strlen(rows[i].text)) == rows[i].v2, "%s", rows[i].text);
}
END_TEST

START_TEST(servers)
{
	static const struct {
		const char *text;
		bool good, shallow;
	} rows[] = {
		{V2 LS "0000", true, false},
		{TOLD V2 "0012fetch=shallow\n" LS "0000", true, true},
		{V2 "001affetch=filter shallow\n" LS "0000", true, false},
		{V2 "0019fetch=filter shallow\n" LS "0000", true, true},
		{V2 "0013fetch=shallows\n" LS "0000", true, false},
		{V2 "000afetch\n0013ls-refs=unborn\n0000", true, false},
		{V2 LS "0017object-format=sha1\n0000", true, false},
		{V2 LS "0019object-format=sha256\n0000", false, false},
		{V2 "000dls-refsx\n0000", false, false},
		{V2 "0000", false, false},
		{V2 LS, false, false},
		{V2 LS "0000x", false, false},
		{V2 LS "00010000", false, false},
		{LS "0000", false, false},
	};
	for (size_t i = 0; i < IOV_COUNT(rows); i++) {
		bool shallow = false;
		bool good = iov_git_refs_read_server(rows[i].text, strlen(rows[i].text), &shallow);
		ck_assert_msg(good == rows[i].good && shallow == rows[i].shallow, "%s", rows[i].text);
	}
}
END_TEST

START_TEST(servers_that_talk_on)
{
	bool shallow;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_puts(&text, V2 LS);
	while (text.len <= IOV_GIT_CAPABILITIES_MAX)
		iov_buf_puts(&text, "000afetch\n");
	iov_buf_puts(&text, "0000");
	ck_assert(!iov_git_refs_read_server(text.data, text.len, &shallow));
}
END_TEST

START_TEST(the_question)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_git_refs_ask(MAIN, &text);
	ck_assert_str_eq(text.data, "0014command=ls-refs\n0018agent=git/2.0-iovpkg0001001fref-prefix " MAIN "\n0000");
}
END_TEST

/* The line that is told after the service, with its NUL as '|'. */
static bool tell(const char *text, bool shallow, struct iov_buf *told)
{
	told->len = 0;
	if (!iov_git_refs_tell(text, strlen(text), MAIN, shallow, told))
		return false;
	for (size_t i = 0; i < told->len; i++)
		if (!told->data[i])
			told->data[i] = '|';
	return true;
}

START_TEST(answers)
{
	static const char one[] = TOLD "0069" ID " " MAIN "|multi_ack thin-pack side-band-64k ofs-delta\n0000";
	static const char none[] = TOLD "0069"
					"0000000000000000000000000000000000000000"
					" capabilities^{}|multi_ack thin-pack side-band-64k ofs-delta\n0000";
	static const struct {
		const char *text, *told;
	} rows[] = {
		{REF "0000", one},
		{"003c" ID " " MAIN "0000", one},
		{"0058" ID " " MAIN " symref-target:refs/heads/x\n0000", one},
		{"003f" OTHER " " MAIN "ly\n" REF "0000", one},
		{"0021unborn HEAD symref-target:x\n0000", NULL},
		{"0018unborn " MAIN "\n0000", NULL},
		{"003f" OTHER " " MAIN "/x\n0000", none},
		{"0000", none},
		{"000dERR away\n", TOLD "000cERR away"},
	};
	iov_auto(iov_buf_release) struct iov_buf told = {0};
	for (size_t i = 0; i < IOV_COUNT(rows); i++) {
		bool good = tell(rows[i].text, false, &told);
		ck_assert_msg(good == (rows[i].told != NULL), "%s", rows[i].text);
		if (good)
			ck_assert_str_eq(told.data, rows[i].told);
	}
	ck_assert(tell(REF "0000", true, &told));
	ck_assert_ptr_nonnull(strstr(told.data, " ofs-delta shallow\n"));
}
END_TEST

START_TEST(answers_that_are_none)
{
	static const char *const rows[] = {
		"",
		REF,
		REF "0000x",
		REF "00000000",
		"0001" REF "0000",
		REF "0002",
		"0003",
		"00040000",
		"zzzz",
		"ffff" REF,
		"003d1111111111111111111111111111111111111x " MAIN "\n0000",
		"003d" ID "_" MAIN "\n0000",
		"002d" ID "\n0000",
		"002e" ID " \n0000",
	};
	iov_auto(iov_buf_release) struct iov_buf told = {0};
	for (size_t i = 0; i < IOV_COUNT(rows); i++)
		ck_assert_msg(!tell(rows[i], true, &told), "%s", rows[i]);
	ck_assert(!iov_git_refs_tell("003d" ID " refs/heads\0main\n0000", 65, MAIN, true, &told));
}
END_TEST

Suite *suite_core_git_refs(void);
Suite *suite_core_git_refs(void)
{
	TCase *tests = tcase_create("refs");
	tcase_add_test(tests, versions);
	tcase_add_test(tests, servers);
	tcase_add_test(tests, servers_that_talk_on);
	tcase_add_test(tests, the_question);
	tcase_add_test(tests, answers);
	tcase_add_test(tests, answers_that_are_none);
	Suite *suite = suite_create("core_git_refs");
	suite_add_tcase(suite, tests);
	return suite;
}
