#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/head.h"
#include "sign/base64.h"
#include "submissions.h"
#include "util/cleanup.h"

static struct iov_ctx *ctx;
static struct iov_signer signer;
static struct iov_root *root;
static struct iov_head head;

static void set_up(void)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	ctx = unit_ctx();
	unit_signer(ctx, "registry", &signer);
	const struct iov_root_plan plan = {"example.org/modules", 1900000000, &signer, NULL, 0};
	unit_ok(ctx, iov_root_make(ctx, &plan, &note));
	unit_ok(ctx, iov_root_parse(ctx, "root/1.note", note.data, note.len, &root));
	head = (struct iov_head){.version = 5,
				 .root = 1,
				 .issued = 1800000000,
				 .expires = 1800086400,
				 .manifest_size = 12,
				 .log_size = 3};
	iov_sha256_hex("manifest", 8, head.manifest);
	head.log_root = iov_merkle_leaf("x", 1);
}

static void tear_down(void)
{
	iov_root_free(root);
	iov_signer_release(&signer);
	unit_ctx_free(ctx);
}

START_TEST(a_made_head_reads_back)
{
	struct iov_head read;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	unit_ok(ctx, iov_head_make(ctx, &head, root, &signer, &note));
	unit_ok(ctx, iov_head_parse(ctx, "main", note.data, note.len, root, &read));
	ck_assert_uint_eq(read.version, 5);
	ck_assert_int_eq(read.expires, 1800086400);
	ck_assert_str_eq(read.manifest, head.manifest);
	ck_assert(iov_hash_equal(&read.log_root, &head.log_root));
	unit_ok(ctx, iov_head_check_after(ctx, "main", &read, &head));
}
END_TEST

START_TEST(the_checkpoint_is_what_the_specification_says)
{
	char base64[IOV_BASE64_SIZE(IOV_DIGEST_SIZE)], expected[256];
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	unit_ok(ctx, iov_checkpoint_make(ctx, &head, root, &signer, &note));
	iov_base64(head.log_root.bytes, sizeof(head.log_root.bytes), base64);
	snprintf(expected, sizeof(expected), "example.org/modules\n3\n%s\n\n\xe2\x80\x94 example.org/modules ", base64);
	ck_assert_msg(!strncmp(note.data, expected, strlen(expected)), "%s", note.data);
	unit_ok(ctx, iov_checkpoint_check(ctx, "main", note.data, note.len, root, &head));
	head.log_size++;
	unit_fails(ctx, iov_checkpoint_check(ctx, "main", note.data, note.len, root, &head), IOV_E_UNTRUSTED,
		   "tells of another log");
	head.log_size--;
	note.data[note.len - 5] = note.data[note.len - 5] == 'A' ? 'B' : 'A';
	unit_fails(ctx, iov_checkpoint_check(ctx, "main", note.data, note.len, root, &head), IOV_E_UNTRUSTED,
		   "is not signed by the registry's key");
}
END_TEST

static int parse_text(const char *text)
{
	struct iov_head read;
	const struct iov_signer *signers = &signer;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	unit_ok(ctx, iov_note_make(ctx, text, &signers, 1, &note));
	return iov_head_parse(ctx, "main", note.data, note.len, root, &read);
}

#define SHA "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define TIMES "\"expires\":\"2027-01-16T08:00:00Z\",\"issued\":\"2027-01-15T08:00:00Z\","
#define LOG "\"log_root\":" SHA ",\"log_size\":3,"
#define HEAD(kind, log, manifest, size, origin, root_version, version)                                                 \
	"{" TIMES "\"kind\":\"" kind "\"," log "\"manifest\":" manifest ",\"manifest_size\":" size                     \
	",\"origin\":\"" origin "\",\"root\":" root_version ",\"schema\":1,\"version\":" version "}\n"

START_TEST(other_documents_are_refused)
{
	unit_ok(ctx, parse_text(HEAD("head", LOG, SHA, "12", "example.org/modules", "1", "5")));
	unit_fails(ctx, parse_text(HEAD("root", LOG, SHA, "12", "example.org/modules", "1", "5")), IOV_E_UNTRUSTED,
		   "it is a 'root', not a head");
	unit_fails(ctx, parse_text(HEAD("head", "", SHA, "12", "example.org/modules", "1", "5")), IOV_E_UNTRUSTED,
		   "has no 'log_size'");
	unit_fails(ctx, parse_text(HEAD("head", LOG, "\"aa\"", "12", "example.org/modules", "1", "5")), IOV_E_UNTRUSTED,
		   "its 'manifest' is no SHA-256");
	unit_fails(ctx, parse_text(HEAD("head", LOG, SHA, "99999999999", "example.org/modules", "1", "5")),
		   IOV_E_UNTRUSTED, "endless data");
	unit_fails(ctx, parse_text(HEAD("head", LOG, SHA, "12", "example.org/other", "1", "5")), IOV_E_UNTRUSTED,
		   "it is of 'example.org/other', and this registry is 'example.org/modules'");
	unit_fails(ctx, parse_text(HEAD("head", LOG, SHA, "12", "example.org/modules", "2", "5")), IOV_E_UNTRUSTED,
		   "it goes with root 2, but root 1 is in force");
	unit_fails(ctx, parse_text(HEAD("head", LOG, SHA, "12", "example.org/modules", "1", "0")), IOV_E_UNTRUSTED,
		   "heads count from 1");
	unit_fails(ctx, parse_text("not JSON\n"), IOV_E_UNTRUSTED, "head of registry 'main' is refused: ");
}
END_TEST

START_TEST(heads_expire)
{
	unit_ok(ctx, iov_head_check_fresh(ctx, "main", &head, 1800086399));
	unit_fails(ctx, iov_head_check_fresh(ctx, "main", &head, 1800086400), IOV_E_UNTRUSTED,
		   "head of registry 'main' expired at 2027-01-16T08:00:00Z: newer releases may be held back from this "
		   "host (freeze attack)");
}
END_TEST

START_TEST(a_clock_behind_the_head_proves_nothing)
{
	unit_ok(ctx, iov_head_check_fresh(ctx, "main", &head, 1800000000 - IOV_CLOCK_SKEW));
	unit_fails(ctx, iov_head_check_fresh(ctx, "main", &head, 1799999999 - IOV_CLOCK_SKEW), IOV_E_UNTRUSTED,
		   "head 5 of registry 'main' was issued at 2027-01-15T08:00:00Z, but this host's clock says "
		   "2027-01-14T07:59:59Z");
	head.expires = head.issued;
	unit_fails(ctx, iov_head_check_fresh(ctx, "main", &head, 1799999999), IOV_E_UNTRUSTED, "freeze attack");
}
END_TEST

START_TEST(heads_come_after_each_other)
{
	struct iov_head next = head;
	unit_ok(ctx, iov_head_check_after(ctx, "main", &head, &next));
	next.version = 4;
	unit_fails(ctx, iov_head_check_after(ctx, "main", &head, &next), IOV_E_UNTRUSTED, "rollback attack");
	next.version = 5;
	next.issued++;
	unit_fails(ctx, iov_head_check_after(ctx, "main", &head, &next), IOV_E_UNTRUSTED,
		   "a second head of the same version");
	next.version = 6;
	unit_ok(ctx, iov_head_check_after(ctx, "main", &head, &next));
	next.issued = head.issued - 1;
	unit_fails(ctx, iov_head_check_after(ctx, "main", &head, &next), IOV_E_UNTRUSTED,
		   "head 6 of registry 'main' was issued at 2027-01-15T07:59:59Z, before head 5");
	next.issued = head.issued;
	next.log_size = 2;
	unit_fails(ctx, iov_head_check_after(ctx, "main", &head, &next), IOV_E_UNTRUSTED, "shows a shorter log");
	next.log_size = 3;
	next.log_root = iov_merkle_leaf("y", 1);
	unit_fails(ctx, iov_head_check_after(ctx, "main", &head, &next), IOV_E_UNTRUSTED,
		   "shows another log of the same length");
	next.log_size = 4;
	unit_ok(ctx, iov_head_check_after(ctx, "main", &head, &next));
}
END_TEST

START_TEST(only_the_registrys_key_makes_heads)
{
	iov_auto(iov_signer_release) struct iov_signer stranger = {0};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	unit_signer(ctx, "stranger", &stranger);
	unit_fails(ctx, iov_head_make(ctx, &head, root, &stranger, &note), IOV_E_UNTRUSTED,
		   "key 'stranger' may not sign for registry 'example.org/modules'; its root names 'registry'");
}
END_TEST

Suite *suite_registry_head(void)
{
	Suite *suite = suite_create("registry_head");
	TCase *tests = tcase_create("head");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_made_head_reads_back);
	tcase_add_test(tests, the_checkpoint_is_what_the_specification_says);
	tcase_add_test(tests, other_documents_are_refused);
	tcase_add_test(tests, heads_expire);
	tcase_add_test(tests, a_clock_behind_the_head_proves_nothing);
	tcase_add_test(tests, heads_come_after_each_other);
	tcase_add_test(tests, only_the_registrys_key_makes_heads);
	suite_add_tcase(suite, tests);
	return suite;
}
