#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "state/lockfile.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char path[512];

static int read_as(struct iov_ctx *ctx, const char *text, struct iov_lockfile *ret)
{
	snprintf(path, sizeof(path), "%s/host.lock.json", ctx->root);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
	return iov_lockfile_read(ctx, path, ret, NULL);
}

static struct iov_release *release_of(struct iov_ctx *ctx, const char *name, const char *version)
{
	struct iov_release *release = calloc(1, sizeof(*release));
	release->references = 1;
	release->sha256 = DIGEST;
	release->manifest = calloc(1, sizeof(*release->manifest));
	release->manifest->name = name;
	unit_ok(ctx, iov_version_parse(ctx, version, &release->manifest->version));
	return release;
}

START_TEST(reads_what_it_wrote)
{
	struct iov_ctx *ctx = unit_ctx();
	iov_auto(iov_json_release) json_t *modules = json_pack("{s:s}", "top", "^1");
	const struct iov_hostfile host = {.modules = modules};
	struct iov_release *base = release_of(ctx, "base", "1.0.0+b7"), *top = release_of(ctx, "top", "2.0.0-rc.1");
	const struct iov_release *const chosen[] = {base, top};
	iov_auto(iov_json_release) json_t *proof =
		json_pack("{s:s, s:[s, s], s:s, s:[]}", "head", "h", "roots", "r1", "r2", "leaf", "l", "hashes");
	json_t *const proofs[] = {proof, NULL};
	iov_auto(iov_json_release) json_t *json = iov_lockfile_json(&host, chosen, proofs, 2);
	iov_auto(iov_lockfile_release) struct iov_lockfile lockfile = {0};
	bool found = false;
	snprintf(path, sizeof(path), "%s/host.lock.json", ctx->root);
	unit_ok(ctx, iov_lockfile_write(ctx, path, json));
	unit_ok(ctx, iov_lockfile_read(ctx, path, &lockfile, &found));
	ck_assert(found && json_equal(json, lockfile.json));
	ck_assert_uint_eq(lockfile.count, 2);
	ck_assert_str_eq(iov_lockfile_find(&lockfile, "base")->version.text, "1.0.0+b7");
	ck_assert_ptr_null(iov_lockfile_find(&lockfile, "base")->requirement);
	ck_assert_str_eq(iov_lockfile_find(&lockfile, "top")->requirement, "^1");
	ck_assert_ptr_null(iov_lockfile_find(&lockfile, "other"));
	ck_assert(json_equal(iov_lockfile_find(&lockfile, "base")->proof, proof));
	ck_assert_ptr_null(iov_lockfile_find(&lockfile, "top")->proof);
	iov_release_free(base);
	iov_release_free(top);
	unit_ctx_free(ctx);
}
END_TEST

/* Two releases of one registry have roots and head in common. */
START_TEST(proofs_share_their_notes)
{
	struct iov_ctx *ctx = unit_ctx();
	const struct iov_hostfile host = {.modules = NULL};
	struct iov_release *base = release_of(ctx, "base", "1.0.0"), *top = release_of(ctx, "top", "1.0.0");
	const struct iov_release *const chosen[] = {base, top};
	iov_auto(iov_json_release) json_t *one = json_pack("{s:s, s:[s]}", "head", "h", "roots", "r");
	json_t *const both[] = {one, one}, *const none[] = {NULL, NULL};
	iov_auto(iov_json_release) json_t *json = iov_lockfile_json(&host, chosen, both, 2);
	iov_auto(iov_json_release) json_t *bare = iov_lockfile_json(&host, chosen, none, 2);
	ck_assert_uint_eq(json_object_size(json_object_get(json, "notes")), 2);
	ck_assert_ptr_null(json_object_get(bare, "notes"));
	ck_assert_ptr_null(json_object_get(json_array_get(json_object_get(bare, "releases"), 0), "proof"));
	iov_release_free(base);
	iov_release_free(top);
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(tells_that_there_is_none)
{
	struct iov_ctx *ctx = unit_ctx();
	struct iov_lockfile lockfile = {0};
	bool found = true;
	unit_ok(ctx, iov_lockfile_read(ctx, "/nowhere/host.lock.json", &lockfile, &found));
	ck_assert(!found && !lockfile.count);
	unit_fails(ctx, iov_lockfile_read(ctx, "/nowhere/host.lock.json", &lockfile, NULL), IOV_E_NOT_FOUND,
		   "iovpkg lock");
	unit_ctx_free(ctx);
}
END_TEST

#define ROW(name, version, sha256) "{\"name\":\"" name "\",\"version\":\"" version "\",\"sha256\":\"" sha256 "\"}"
#define PROVED(notes, proof)                                                                                           \
	"{\"schema\":1," notes "\"releases\":[{\"name\":\"top\",\"version\":\"1.0.0\",\"sha256\":\"" DIGEST            \
	"\",\"proof\":" proof "}]}"

START_TEST(refuses_what_is_wrong)
{
	static const struct {
		const char *text;
		int code;
		const char *words;
	} wrong[] = {
		{"", IOV_E_INPUT, "host.lock.json"},
		{"[]", IOV_E_INPUT, "host.lock.json"},
		{"{\"releases\":[]}", IOV_E_INPUT, "schema"},
		{"{\"schema\":2,\"releases\":[]}", IOV_E_UNSUPPORTED, "newer iovpkg"},
		{"{\"schema\":1}", IOV_E_INPUT, "releases"},
		{"{\"schema\":1,\"releases\":[7]}", IOV_E_INPUT, "is not an object"},
		{"{\"schema\":1,\"releases\":[" ROW("../x", "1.0.0", DIGEST) "]}", IOV_E_INPUT, "sound name"},
		{"{\"schema\":1,\"releases\":[" ROW("top", "1.0.0", "12") "]}", IOV_E_INPUT, "sound name or SHA-256"},
		{"{\"schema\":1,\"releases\":[" ROW("top", "1", DIGEST) "]}", IOV_E_INPUT, "'1' is not a version"},
		{"{\"schema\":1,\"releases\":[" ROW("top", "1.0.0", DIGEST) "," ROW("top", "1.0.0", DIGEST) "]}",
		 IOV_E_INPUT, "twice, or out of order"},
		{"{\"schema\":1,\"releases\":[" ROW("top", "1.0.0", DIGEST) "," ROW("base", "1.0.0", DIGEST) "]}",
		 IOV_E_INPUT, "'base' stands there twice, or out of order"},
		{PROVED("", "7"), IOV_E_INPUT, "'proof' is not an object"},
		{PROVED("", "{}"), IOV_E_INPUT, "the proof of 'top' names a note that is not there"},
		{PROVED("\"notes\":[],", "{}"), IOV_E_INPUT, "'notes' is not an object"},
		{PROVED("\"notes\":{\"a\":\"x\"},", "{\"head\":\"b\",\"roots\":[]}"), IOV_E_INPUT,
		 "a note that is not there"},
		{PROVED("\"notes\":{\"a\":\"x\"},", "{\"head\":\"a\",\"roots\":[\"b\"]}"), IOV_E_INPUT,
		 "a note that is not there"},
	};
	struct iov_ctx *ctx = unit_ctx();
	for (size_t i = 0; i < IOV_COUNT(wrong); i++) {
		struct iov_lockfile lockfile = {0};
		unit_fails(ctx, read_as(ctx, wrong[i].text, &lockfile), wrong[i].code, wrong[i].words);
		ck_assert_ptr_null(lockfile.json);
	}
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_state_lockfile(void)
{
	Suite *suite = suite_create("state_lockfile");
	TCase *cases = tcase_create("lockfile");
	tcase_add_test(cases, reads_what_it_wrote);
	tcase_add_test(cases, proofs_share_their_notes);
	tcase_add_test(cases, tells_that_there_is_none);
	tcase_add_test(cases, refuses_what_is_wrong);
	suite_add_tcase(suite, cases);
	return suite;
}
