#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sign/base64.h"
#include "sign/keybox.h"
#include "sign/keyfile.h"
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
	static const char *const bad[] = {"",	   "Y",	    "YQ",   "YQ=",	    "YR==",
					  "YWJ=",  "Y===",  "====", "YQ==YQ==",	    "Y Q=",
					  "\nYQ=", "YQ=\n", "Y-Q=", "YWJjYWJjYWJj", "\xbf\xbe\xba\xbc"};
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
	ck_assert_int_eq((json_int_t)(valid + invalid), json_integer_value(json_object_get(json, "numberOfTests")));
	ck_assert_uint_gt(valid, 50);
	ck_assert_uint_gt(invalid, 50);
}
END_TEST

/* ---- encrypted keys ---- */

/* PRIVATE under the passphrase "correct horse", put together by another program as docs/keys.md has it. */
#define SEALED_ELSEWHERE                                                                                               \
	"ENCRYPTED+KEY+PeterNeumann+c74f20a3+AQEaXNkHFDw4TEHoMMW84SqogX7FZJqqvy"                                       \
	"wxOIs1stdE1gAAAAIAAABAAAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8QERITFBUWF0BKy8/2YfBjH0"                     \
	"sGs4DBLPbZPZciBzGZ5n4zorZ/F35sfineyLqbsrtLhvmdtqGBIA=="

static int seal(const struct iov_signer *signer, const char *passphrase, struct iov_keybox *box)
{
	*box = (struct iov_keybox){.passes = 1, .memory = IOV_KEYBOX_MEMORY_MIN};
	return iov_keybox_seal(ctx, signer, passphrase, box);
}

START_TEST(a_passphrase_opens_what_it_sealed)
{
	struct iov_keybox box, again;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_signer_release) struct iov_signer opened = {0};
	unit_ok(ctx, iov_signer_parse(ctx, PRIVATE, &signer));
	unit_ok(ctx, seal(&signer, "correct horse", &box));
	iov_auto(iov_free_ptr) char *text = iov_keybox_text(&box);
	ck_assert(iov_is_keybox(text) && !iov_is_keybox(PRIVATE));
	ck_assert_int_eq(strncmp(text, "ENCRYPTED+KEY+PeterNeumann+c74f20a3+AQ", 38), 0);
	unit_ok(ctx, iov_keybox_parse(ctx, text, &again));
	iov_auto(iov_free_ptr) char *twice = iov_keybox_text(&again);
	ck_assert_str_eq(text, twice);
	unit_ok(ctx, iov_keybox_open(ctx, &again, "correct horse", &opened));
	ck_assert_mem_eq(opened.seed, signer.seed, sizeof(signer.seed));
	ck_assert_mem_eq(&opened.verifier, &signer.verifier, sizeof(signer.verifier));
	unit_fails(ctx, iov_keybox_open(ctx, &again, "correct hors", &opened), IOV_E_PERMISSION,
		   "wrong passphrase for key 'PeterNeumann'");
}
END_TEST

START_TEST(a_key_sealed_elsewhere_opens)
{
	struct iov_keybox box;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_signer_release) struct iov_signer opened = {0};
	unit_ok(ctx, iov_signer_parse(ctx, PRIVATE, &signer));
	unit_ok(ctx, iov_keybox_parse(ctx, SEALED_ELSEWHERE, &box));
	ck_assert_uint_eq(box.passes, 2);
	ck_assert_uint_eq(box.memory, 64);
	unit_ok(ctx, iov_keybox_open(ctx, &box, "correct horse", &opened));
	ck_assert_mem_eq(opened.seed, signer.seed, sizeof(signer.seed));
}
END_TEST

/* Every byte is bound: the name and the costs too. */
START_TEST(a_changed_box_does_not_open)
{
	struct iov_keybox box;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	unit_ok(ctx, iov_signer_parse(ctx, PRIVATE, &signer));
	unit_ok(ctx, seal(&signer, "p", &box));
	uint8_t *const places[] = {&box.salt[0], &box.nonce[23], &box.sealed[0], &box.sealed[47], &box.verifier.key[5]};
	for (size_t i = 0; i < IOV_COUNT(places); i++) {
		*places[i] ^= 1;
		unit_fails(ctx, iov_keybox_open(ctx, &box, "p", &signer), IOV_E_PERMISSION, "wrong passphrase");
		*places[i] ^= 1;
	}
	box.verifier.name[0] = 'p';
	unit_fails(ctx, iov_keybox_open(ctx, &box, "p", &signer), IOV_E_PERMISSION, "wrong passphrase");
	box.verifier.name[0] = 'P';
	unit_ok(ctx, iov_keybox_open(ctx, &box, "p", &signer));
}
END_TEST

START_TEST(encrypted_keys_have_limits)
{
	static const struct {
		uint32_t passes, memory;
		enum iov_code code;
	} cases[] = {
		{0, 64, IOV_E_INPUT},
		{1, 7, IOV_E_INPUT},
		{IOV_KEYBOX_PASSES_MAX + 1, 64, IOV_E_INPUT},
		{1, IOV_KEYBOX_MEMORY_MAX + 1, IOV_E_INPUT},
		{UINT32_MAX, UINT32_MAX, IOV_E_INPUT},
		{IOV_KEYBOX_PASSES_MAX, IOV_KEYBOX_MEMORY_MAX, IOV_OK},
	};
	struct iov_keybox box, parsed;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	unit_ok(ctx, iov_signer_parse(ctx, PRIVATE, &signer));
	unit_ok(ctx, seal(&signer, "p", &box));
	for (size_t i = 0; i < IOV_COUNT(cases); i++) {
		box.passes = cases[i].passes;
		box.memory = cases[i].memory;
		iov_auto(iov_free_ptr) char *text = iov_keybox_text(&box);
		ck_assert_int_eq(iov_keybox_parse(ctx, text, &parsed), cases[i].code);
	}
	unit_fails(ctx, iov_keybox_parse(ctx, "ENCRYPTED+KEY+x", &parsed), IOV_E_INPUT, "this is no encrypted key");
	unit_fails(ctx, iov_keybox_parse(ctx, PRIVATE, &parsed), IOV_E_INPUT, "this is no encrypted key");
}
END_TEST

/* Answers one after the other, as somebody at the terminal. */
static const char *const *answers;
static unsigned asked;

static bool answer(const char *key, bool fresh, unsigned attempt, char *ret, void *data)
{
	(void)data;
	(void)fresh;
	(void)attempt;
	ck_assert_str_eq(key, "alice");
	asked++;
	if (!*answers)
		return false;
	snprintf(ret, IOV_PASSPHRASE_MAX, "%s", *answers++);
	return true;
}

START_TEST(passphrases_are_asked_for)
{
	struct iov_verifier verifier;
	bool encrypted = false;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_signer_release) struct iov_signer loaded = {0};
	const char *const good[] = {"one", "one", NULL}, *const third[] = {"two", "", "one", NULL};
	const char *const wrong[] = {"two", NULL}, *const change[] = {"one", "three", NULL}, *const last[] = {"three"};
	const char *const empty[] = {"", NULL};
	unit_ok(ctx, iov_signer_generate(ctx, "alice", &signer));
	unit_fails(ctx, iov_signer_save_encrypted(ctx, &signer), IOV_E_DECLINED, "there is no terminal to ask at");
	ctx->config.passphrase = answer;
	answers = empty;
	unit_fails(ctx, iov_signer_save_encrypted(ctx, &signer), IOV_E_USAGE, "is empty");
	answers = good;
	unit_ok(ctx, iov_signer_save_encrypted(ctx, &signer));
	unit_ok(ctx, iov_signer_load(ctx, "alice", &loaded));
	ck_assert_mem_eq(loaded.seed, signer.seed, sizeof(signer.seed));
	answers = third;
	unit_ok(ctx, iov_signer_load(ctx, "alice", &loaded));
	answers = wrong;
	unit_fails(ctx, iov_signer_load(ctx, "alice", &loaded), IOV_E_PERMISSION, "wrong passphrase for key 'alice'");
	answers = change;
	unit_ok(ctx, iov_signer_change(ctx, "alice", true));
	answers = last;
	unit_ok(ctx, iov_signer_load(ctx, "alice", &loaded));
	asked = 0;
	unit_ok(ctx, iov_verifier_load(ctx, "alice", &verifier, &encrypted));
	ck_assert(encrypted && asked == 0);
	ck_assert_mem_eq(&verifier, &signer.verifier, sizeof(verifier));
	answers = last;
	unit_ok(ctx, iov_signer_change(ctx, "alice", false));
	asked = 0;
	unit_ok(ctx, iov_signer_load(ctx, "alice", &loaded));
	ck_assert_uint_eq(asked, 0);
	ck_assert_mem_eq(loaded.seed, signer.seed, sizeof(signer.seed));
	unit_ok(ctx, iov_signer_retire(ctx, "alice"));
	unit_fails(ctx, iov_signer_load(ctx, "alice", &loaded), IOV_E_NOT_FOUND, "key 'alice' is revoked");
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
	tcase_add_test(tests, a_passphrase_opens_what_it_sealed);
	tcase_add_test(tests, a_key_sealed_elsewhere_opens);
	tcase_add_test(tests, a_changed_box_does_not_open);
	tcase_add_test(tests, encrypted_keys_have_limits);
	tcase_add_test(tests, passphrases_are_asked_for);
	suite_add_tcase(suite, tests);
	return suite;
}
