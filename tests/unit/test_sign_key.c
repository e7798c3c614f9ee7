#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sign/base64.h"
#include "sign/key.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "vectors.h"

/* The example of the Go package golang.org/x/mod/sumdb/note, from which the format comes. */
#define PUBLIC "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define PRIVATE "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"

static struct iov_ctx *ctx;

static void set_up(void)
{
	ctx = unit_ctx();
}

static void tear_down(void)
{
	unit_ctx_free(ctx);
}

START_TEST(reads_and_writes_the_text_forms)
{
	struct iov_verifier verifier;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	unit_ok(ctx, iov_verifier_parse(ctx, PUBLIC, &verifier));
	unit_ok(ctx, iov_signer_parse(ctx, PRIVATE, &signer));
	ck_assert_str_eq(verifier.name, "PeterNeumann");
	ck_assert_uint_eq(verifier.hash, 0xc74f20a3);
	ck_assert_mem_eq(verifier.key, signer.verifier.key, 32);
	iov_auto(iov_free_ptr) char *public = iov_verifier_text(&verifier);
	iov_auto(iov_free_ptr) char *private = iov_signer_text(&signer);
	ck_assert_str_eq(public, PUBLIC);
	ck_assert_str_eq(private, PRIVATE);
}
END_TEST

START_TEST(refuses_malformed_verifier_keys)
{
	static const char *const bad[] = {
		"",
		"PeterNeumann",
		"PeterNeumann+c74f20a3",
		"PeterNeumann+c74f20a3+",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+c74f20a3+AXpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  /* another key */
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",   /* not a multiple of four */
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW ", /* space */
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
		"PeterNeumann+c74f20a3+AhpcQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAAAA",
		"Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"EnochRoot+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};
	struct iov_verifier verifier;
	for (size_t i = 0; i < IOV_COUNT(bad); i++)
		ck_assert_msg(iov_verifier_parse(ctx, bad[i], &verifier) == IOV_E_INPUT, "'%s' was taken", bad[i]);
	unit_fails(ctx, iov_verifier_parse(ctx, bad[12], &verifier), IOV_E_INPUT, "is damaged: its hash should be");
	unit_fails(ctx, iov_verifier_parse(ctx, "nonsense", &verifier), IOV_E_INPUT, "'iovpkg key show' prints one");
}
END_TEST

START_TEST(refuses_malformed_signer_keys_without_showing_them)
{
	struct iov_signer signer;
	static const char damaged[] = "PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
	unit_fails(ctx, iov_signer_parse(ctx, damaged, &signer), IOV_E_INPUT, "should be c74f20a3");
	ck_assert_ptr_null(strstr(iov_error_text(ctx), "AYEK"));
	unit_fails(ctx, iov_signer_parse(ctx, PUBLIC, &signer), IOV_E_INPUT, "no signer key");
	unit_fails(ctx, iov_signer_parse(ctx, "PRIVATE+KEY+AYEKFALVFGyN", &signer), IOV_E_INPUT, "no signer key");
	ck_assert_ptr_null(strstr(iov_error_text(ctx), "AYEK"));
}
END_TEST

START_TEST(key_names_have_limits)
{
	char name[IOV_KEY_NAME_MAX + 2] = {0};
	memset(name, 'a', IOV_KEY_NAME_MAX);
	ck_assert(iov_is_key_name(name));
	name[IOV_KEY_NAME_MAX] = 'a';
	ck_assert(!iov_is_key_name(name));
	ck_assert(iov_is_key_name("example.org/modules"));
	static const char *const bad[] = {"", "a b", "a+b", "a\nb", "caf\xc3\xa9", "a\x7f"};
	for (size_t i = 0; i < IOV_COUNT(bad); i++)
		ck_assert_msg(!iov_is_key_name(bad[i]), "'%s'", bad[i]);
	struct iov_signer signer;
	unit_fails(ctx, iov_signer_generate(ctx, "a b", &signer), IOV_E_INPUT, "'a b' is no key name");
}
END_TEST

START_TEST(signs_what_verifies)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_signer_release) struct iov_signer other = {0};
	uint8_t signature[64];
	unit_ok(ctx, iov_signer_generate(ctx, "a", &signer));
	unit_ok(ctx, iov_signer_generate(ctx, "a", &other));
	ck_assert_mem_ne(signer.seed, other.seed, 32);
	iov_sign(&signer, "text", 4, signature);
	ck_assert(iov_signature_is_good(&signer.verifier, "text", 4, signature));
	ck_assert(!iov_signature_is_good(&signer.verifier, "texT", 4, signature));
	ck_assert(!iov_signature_is_good(&other.verifier, "text", 4, signature));
	signature[63] ^= 1;
	ck_assert(!iov_signature_is_good(&signer.verifier, "text", 4, signature));
}
END_TEST

START_TEST(release_cleanses_the_seed)
{
	static const uint8_t zeros[32];
	struct iov_signer signer;
	unit_ok(ctx, iov_signer_generate(ctx, "a", &signer));
	ck_assert_mem_ne(signer.seed, zeros, 32);
	iov_signer_release(&signer);
	ck_assert_mem_eq(signer.seed, zeros, 32);
}
END_TEST

static char *key_path(const char *file)
{
	char *path = iov_path(ctx, "/etc/iovpkg/keys/%s", file);
	ck_assert_ptr_nonnull(path);
	return path;
}

START_TEST(key_files_keep_a_key)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_signer_release) struct iov_signer again = {0};
	iov_auto(iov_signer_release) struct iov_signer by_path = {0};
	iov_auto(iov_free_ptr) char *private = key_path("alice.key");
	iov_auto(iov_free_ptr) char *public = key_path("alice.pub");
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct stat st;
	unit_ok(ctx, iov_signer_generate(ctx, "alice", &signer));
	unit_ok(ctx, iov_signer_save(ctx, &signer));
	unit_ok(ctx, iov_signer_load(ctx, "alice", &again));
	unit_ok(ctx, iov_signer_load(ctx, private, &by_path));
	ck_assert_mem_eq(signer.seed, again.seed, 32);
	ck_assert_mem_eq(signer.seed, by_path.seed, 32);
	ck_assert_int_eq(stat(private, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(iov_fs_read(public, 1000, &text), 0);
	iov_auto(iov_free_ptr) char *expected = iov_verifier_text(&signer.verifier);
	ck_assert_int_eq(text.data[text.len - 1], '\n');
	text.data[text.len - 1] = '\0';
	ck_assert_str_eq(text.data, expected);
	unit_fails(ctx, iov_signer_save(ctx, &signer), IOV_E_CONFLICT, "is not overwritten");
}
END_TEST

START_TEST(key_files_are_refused_with_a_reason)
{
	iov_auto(iov_free_ptr) char *path = key_path("alice.key");
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_signer_release) struct iov_signer loaded = {0};
	unit_fails(ctx, iov_signer_load(ctx, "alice", &loaded), IOV_E_NOT_FOUND, "no key 'alice' in ");
	unit_fails(ctx, iov_signer_load(ctx, "alice", &loaded), IOV_E_NOT_FOUND,
		   "/etc/iovpkg/keys; make one with 'iovpkg key generate alice'");
	unit_fails(ctx, iov_signer_load(ctx, "./alice", &loaded), IOV_E_NOT_FOUND, "no key file './alice'");
	unit_ok(ctx, iov_signer_generate(ctx, "alice", &signer));
	unit_ok(ctx, iov_signer_save(ctx, &signer));
	ck_assert_int_eq(chmod(path, 0640), 0);
	unit_fails(ctx, iov_signer_load(ctx, "alice", &loaded), IOV_E_INPUT, "run 'chmod 600 ");
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(iov_fs_replace(path, "PRIVATE+KEY+nonsense\n", 21, 0600), 0);
	unit_fails(ctx, iov_signer_load(ctx, "alice", &loaded), IOV_E_INPUT, "alice.key': this is no signer key");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	unit_fails(ctx, iov_signer_load(ctx, "alice", &loaded), IOV_E_INPUT, "no regular file");
}
END_TEST

START_TEST(names_that_are_no_file_names_are_not_saved)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	unit_ok(ctx, iov_signer_generate(ctx, "example.org/x", &signer));
	unit_fails(ctx, iov_signer_save(ctx, &signer), IOV_E_INPUT, "cannot be a file name");
	unit_ok(ctx, iov_signer_generate(ctx, "..", &signer));
	unit_fails(ctx, iov_signer_save(ctx, &signer), IOV_E_INPUT, "cannot be a file name");
}
END_TEST

START_TEST(base64_has_one_spelling)
{
	static const char *const bad[] = {"",	  "Y",	      "YQ",   "YQ=",   "YR==",	"YWJ=", "Y===",
					  "====", "YQ==YQ==", "Y Q=", "\nYQ=", "YQ=\n", "Y-Q=", "YWJjYWJjYWJj"};
	uint8_t bytes[8];
	size_t len = 0;
	for (size_t i = 0; i < IOV_COUNT(bad); i++)
		ck_assert_msg(!iov_unbase64(bad[i], strlen(bad[i]), sizeof(bytes), bytes, &len), "'%s'", bad[i]);
	ck_assert(iov_unbase64("YWJjZA==", 8, sizeof(bytes), bytes, &len));
	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(bytes, "abcd", 4);
	ck_assert(!iov_unbase64("YWJjZA==", 8, 3, bytes, &len));
}
END_TEST

static size_t unhex(const char *hex, uint8_t *ret, size_t limit)
{
	size_t len = strlen(hex) / 2;
	ck_assert_uint_le(len, limit);
	ck_assert(iov_unhex(hex, ret, len));
	return len;
}

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));
	ck_assert_ptr_nonnull(text);
	return text;
}

/* Signatures of other lengths than 64 bytes never reach the verifier: they have no place in a note. */
static void run_group(struct iov_ctx *vector_ctx, const json_t *group, size_t *valid, size_t *invalid)
{
	struct iov_verifier verifier;
	uint8_t key[32], message[4096], signature[256];
	const json_t *tests = json_object_get(group, "tests");
	unhex(text_of(json_object_get(group, "publicKey"), "pk"), key, sizeof(key));
	unit_ok(vector_ctx, iov_verifier_make(vector_ctx, "wycheproof", key, &verifier));
	for (size_t i = 0; i < json_array_size(tests); i++) {
		const json_t *test = json_array_get(tests, i);
		size_t len = unhex(text_of(test, "msg"), message, sizeof(message));
		size_t signature_len = unhex(text_of(test, "sig"), signature, sizeof(signature));
		bool good = !strcmp(text_of(test, "result"), "valid");
		bool seen = signature_len == 64 && iov_signature_is_good(&verifier, message, len, signature);
		ck_assert_msg(good == seen, "test %lld: %s",
			      (long long)json_integer_value(json_object_get(test, "tcId")), text_of(test, "comment"));
		*(good ? valid : invalid) += 1;
	}
}

START_TEST(wycheproof_vectors)
{
	size_t valid = 0, invalid = 0;
	iov_auto(iov_json_release) json_t *json = NULL;
	iov_auto(iov_free_ptr) char *path = unit_vectors("ed25519/ed25519_test.json");
	if (!path)
		return;
	unit_ok(ctx, iov_json_read(ctx, path, 4u << 20, &json));
	const json_t *groups = json_object_get(json, "testGroups");
	for (size_t i = 0; i < json_array_size(groups); i++)
		run_group(ctx, json_array_get(groups, i), &valid, &invalid);
	ck_assert_uint_gt(valid, 50);
	ck_assert_uint_gt(invalid, 50);
}
END_TEST

Suite *suite_sign_key(void)
{
	Suite *suite = suite_create("sign_key");
	TCase *tests = tcase_create("key");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, reads_and_writes_the_text_forms);
	tcase_add_test(tests, refuses_malformed_verifier_keys);
	tcase_add_test(tests, refuses_malformed_signer_keys_without_showing_them);
	tcase_add_test(tests, key_names_have_limits);
	tcase_add_test(tests, signs_what_verifies);
	tcase_add_test(tests, release_cleanses_the_seed);
	tcase_add_test(tests, key_files_keep_a_key);
	tcase_add_test(tests, key_files_are_refused_with_a_reason);
	tcase_add_test(tests, names_that_are_no_file_names_are_not_saved);
	tcase_add_test(tests, base64_has_one_spelling);
	tcase_add_test(tests, wycheproof_vectors);
	suite_add_tcase(suite, tests);
	return suite;
}
