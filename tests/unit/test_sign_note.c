#include <stdlib.h>
#include <string.h>

#include "sign/note.h"
#include "unit.h"
#include "util/cleanup.h"

#define DASH "\xe2\x80\x94 "
/* The example of the Go package golang.org/x/mod/sumdb/note, from which the format comes. */
#define PUBLIC "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PRIVATE "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define TEXT                                                                                                           \
	"If you think cryptography is the answer to your problem,\n"                                                   \
	"then you don't know what your problem is.\n"
#define LINE                                                                                                           \
	DASH "PeterNeumann "                                                                                           \
	     "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
#define NOTE TEXT "\n" LINE "\n"

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

static int parse(const char *text, struct iov_note_text *ret)
{
	return iov_note_parse(ctx, "note", text, strlen(text), ret);
}

START_TEST(agrees_with_the_reference)
{
	struct iov_verifier key;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_buf_release) struct iov_buf made = {0};
	const struct iov_signer *signers = &signer;
	unit_ok(ctx, iov_verifier_parse(ctx, PUBLIC, &key));
	unit_ok(ctx, iov_signer_parse(ctx, PRIVATE, &signer));
	unit_ok(ctx, parse(NOTE, &note));
	ck_assert_str_eq(note.text, TEXT);
	ck_assert_uint_eq(note.n_signatures, 1);
	ck_assert_uint_eq(iov_note_count_signers(&note, &key, 1), 1);
	ck_assert(iov_note_line_is_good(&key, LINE, TEXT, strlen(TEXT)));
	unit_ok(ctx, iov_note_make(ctx, TEXT, &signers, 1, &made));
	ck_assert_str_eq(made.data, NOTE);
}
END_TEST

START_TEST(the_last_empty_line_parts_text_and_signatures)
{
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	unit_ok(ctx, parse("one\n\ntwo\n\n\n" LINE "\n", &note));
	ck_assert_str_eq(note.text, "one\n\ntwo\n\n");
}
END_TEST

START_TEST(refuses_what_is_no_note)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "no signatures"},
		{TEXT, "no signatures"},
		{TEXT "\n", "no signatures"},
		{TEXT LINE "\n", "no signatures"},
		{TEXT "\n" LINE, "does not end in a newline"},
		{TEXT "\n" LINE "\nx\n", "malformed"},
		{TEXT "\n" LINE " \n", "malformed"},
		{TEXT "\n- PeterNeumann x08go/ZJ\n", "malformed"},
		{TEXT "\n" DASH "x08go/ZJ\n", "malformed"},
		{TEXT "\n" DASH " x08go/ZJ\n", "malformed"},
		{TEXT "\n" DASH "a+b x08go/ZJ\n", "malformed"},
		{TEXT "\n" DASH "a\xc2\xa0"
		      "b x08go/ZJ\n",
		 "malformed"},
		{TEXT "\n" DASH "a x08\n", "malformed"},
		{TEXT "\n" DASH "a x08=\n", "malformed"},
		{TEXT "\n" DASH "a x08gow==\n", "malformed"}, /* four bytes: a key's hash and no signature */
		{"a\tb\n\n" LINE "\n", "plain UTF-8"},
		{"a\r\n\n" LINE "\n", "plain UTF-8"},
		{"a\xff\n\n" LINE "\n", "plain UTF-8"},
		{"a\xc0\xaf\n\n" LINE "\n", "plain UTF-8"},
		{"a\xed\xa0\x80\n\n" LINE "\n", "plain UTF-8"},
		{"a\xf4\x90\x80\x80\n\n" LINE "\n", "plain UTF-8"},
		{"a\xe2\x80", "plain UTF-8"},
	};
	struct iov_note_text note;
	for (size_t i = 0; i < IOV_COUNT(bad); i++) {
		ck_assert_msg(parse(bad[i].text, &note) == IOV_E_UNTRUSTED, "'%s' was taken", bad[i].text);
		ck_assert_msg(strstr(iov_error_text(ctx), bad[i].why), "'%s' is not in '%s'", bad[i].why,
			      iov_error_text(ctx));
	}
	unit_fails(ctx, iov_note_parse(ctx, "note", "a\0b\n\n" LINE "\n", 6 + strlen(LINE), &note), IOV_E_UNTRUSTED,
		   "plain UTF-8");
}
END_TEST

START_TEST(has_limits)
{
	struct iov_note_text note;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_puts(&text, TEXT "\n");
	for (int i = 0; i < IOV_NOTE_SIGNATURES_MAX; i++)
		iov_buf_puts(&text, LINE "\n");
	unit_ok(ctx, parse(text.data, &note));
	ck_assert_uint_eq(note.n_signatures, IOV_NOTE_SIGNATURES_MAX);
	iov_note_text_release(&note);
	iov_buf_puts(&text, LINE "\n");
	unit_fails(ctx, parse(text.data, &note), IOV_E_UNTRUSTED, "too many signatures");
	iov_auto(iov_free_ptr) char *huge = calloc(1, IOV_NOTE_MAX + 1);
	unit_fails(ctx, iov_note_parse(ctx, "note", huge, IOV_NOTE_MAX + 1, &note), IOV_E_UNTRUSTED,
		   "longer than 1 MiB");
}
END_TEST

/* Witnesses and post-quantum keys sign beside ours. */
START_TEST(passes_over_foreign_signatures)
{
	struct iov_verifier key;
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	unit_ok(ctx, iov_verifier_parse(ctx, PUBLIC, &key));
	unit_ok(ctx, parse(TEXT "\n" DASH "witness.example/w YWJjZGVmZ2hpamtsbW5vcA==\n" LINE "\n" DASH
				"caf\xc3\xa9 YWJjZGVmZ2hp\n",
			   &note));
	ck_assert_uint_eq(note.n_signatures, 1);
	ck_assert_uint_eq(iov_note_count_signers(&note, &key, 1), 1);
}
END_TEST

static void generate(const char *name, struct iov_signer *ret)
{
	unit_ok(ctx, iov_signer_generate(ctx, name, ret));
}

START_TEST(counts_different_keys)
{
	struct iov_signer a, b, c, a_renamed;
	iov_auto(iov_buf_release) struct iov_buf made = {0};
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	generate("a", &a);
	generate("b", &b);
	generate("c", &c);
	a_renamed = a;
	unit_ok(ctx, iov_verifier_make(ctx, "z", a.verifier.key, &a_renamed.verifier));
	const struct iov_signer *signers[] = {&a, &b, &a, &a_renamed};
	const struct iov_verifier keys[] = {a.verifier, b.verifier, c.verifier, a.verifier, a_renamed.verifier};
	unit_ok(ctx, iov_note_make(ctx, "text\n", signers, 4, &made));
	unit_ok(ctx, parse(made.data, &note));
	ck_assert_uint_eq(note.n_signatures, 4);
	ck_assert_uint_eq(iov_note_count_signers(&note, keys, 5), 2);
	ck_assert_uint_eq(iov_note_count_signers(&note, &keys[2], 1), 0);
}
END_TEST

START_TEST(a_bad_signature_of_a_known_key_spoils_the_note)
{
	struct iov_signer a, b;
	iov_auto(iov_buf_release) struct iov_buf made = {0};
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	generate("a", &a);
	generate("b", &b);
	const struct iov_signer *signers[] = {&a, &b};
	const struct iov_verifier keys[] = {a.verifier, b.verifier};
	unit_ok(ctx, iov_note_make(ctx, "text\n", signers, 2, &made));
	unit_ok(ctx, parse(made.data, &note));
	note.signatures[1].bytes[5] ^= 1;
	ck_assert_uint_eq(iov_note_count_signers(&note, keys, 2), 0);
	ck_assert_uint_eq(iov_note_count_signers(&note, keys, 1), 1);
}
END_TEST

START_TEST(a_line_is_of_its_key_and_text)
{
	struct iov_signer a, b;
	iov_auto(iov_free_ptr) char *line = NULL;
	generate("a", &a);
	generate("b", &b);
	unit_ok(ctx, iov_note_sign_line(ctx, &a, "text\n", 5, &line));
	ck_assert(iov_note_line_is_good(&a.verifier, line, "text\n", 5));
	ck_assert(!iov_note_line_is_good(&a.verifier, line, "tExt\n", 5));
	ck_assert(!iov_note_line_is_good(&b.verifier, line, "text\n", 5));
	ck_assert(!iov_note_line_is_good(&a.verifier, "", "text\n", 5));
}
END_TEST

START_TEST(makes_no_note_of_a_text_without_newline)
{
	struct iov_signer a;
	iov_auto(iov_buf_release) struct iov_buf made = {0};
	const struct iov_signer *signers = &a;
	generate("a", &a);
	unit_fails(ctx, iov_note_make(ctx, "text", &signers, 1, &made), IOV_E_INTERNAL, "ends in a newline");
	unit_fails(ctx, iov_note_make(ctx, "te\txt\n", &signers, 1, &made), IOV_E_INTERNAL, "UTF-8");
}
END_TEST

Suite *suite_sign_note(void)
{
	Suite *suite = suite_create("sign_note");
	TCase *tests = tcase_create("note");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, agrees_with_the_reference);
	tcase_add_test(tests, the_last_empty_line_parts_text_and_signatures);
	tcase_add_test(tests, refuses_what_is_no_note);
	tcase_add_test(tests, has_limits);
	tcase_add_test(tests, passes_over_foreign_signatures);
	tcase_add_test(tests, counts_different_keys);
	tcase_add_test(tests, a_bad_signature_of_a_known_key_spoils_the_note);
	tcase_add_test(tests, a_line_is_of_its_key_and_text);
	tcase_add_test(tests, makes_no_note_of_a_text_without_newline);
	suite_add_tcase(suite, tests);
	return suite;
}
