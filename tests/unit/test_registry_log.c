/* The log as tiles in memory, held against a tree that is computed the plain way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folders.h"
#include "registry/log.h"
#include "util/cleanup.h"

#define LEAVES 600 /* more than two full tiles */

static struct iov_ctx *ctx;
static struct unit_folder folder;
static struct iov_source source;
static size_t grown; /* entries in it */
static struct iov_hash leaves[LEAVES], roots[LEAVES + 1];

static size_t leaf_text(uint64_t index, char ret[32])
{
	return (size_t)snprintf(ret, 32, "{\"event\":%llu}", (unsigned long long)index);
}

static struct iov_hash plain_root(size_t from, size_t to)
{
	if (to - from == 1)
		return leaves[from];
	size_t left = iov_merkle_split(to - from);
	struct iov_hash a = plain_root(from, from + left), b = plain_root(from + left, to);
	return iov_merkle_node(&a, &b);
}

/* One entry a commit, as accept does. */
static void grow_to(size_t size)
{
	for (; grown < size; grown++) {
		size_t i = grown;
		char text[32];
		size_t len = leaf_text(i, text);
		iov_auto(iov_changes_release) struct iov_changes changes = {0};
		iov_auto(iov_log_release) struct iov_log log;
		iov_log_init(&log, &source, i);
		unit_ok(ctx, iov_log_append(ctx, &log, text, len, &changes));
		unit_ok(ctx, iov_log_root(ctx, &log, &roots[i + 1]));
		ck_assert_uint_eq(log.size, i + 1);
		unit_folder_apply(ctx, &folder, &changes);
		leaves[i] = iov_merkle_leaf(text, (uint16_t)len);
	}
}

static void set_up(void)
{
	ctx = unit_ctx();
	folder = (struct unit_folder){.questions = 0};
	source = unit_folder_source(&folder);
	roots[0] = iov_merkle_empty();
	grown = 0;
}

static void tear_down(void)
{
	unit_folder_release(&folder);
	unit_ctx_free(ctx);
}

static bool has_file(const char *path, size_t *ret_len)
{
	iov_auto(iov_buf_release) struct iov_buf data = {0};
	unit_ok(ctx, source.read(ctx, &source, &path, 1, SIZE_MAX, &data));
	*ret_len = data.len;
	return data.data != NULL;
}

static void assert_file(const char *path, size_t len)
{
	size_t seen = 0;
	ck_assert_msg(has_file(path, &seen), "no '%s'", path);
	ck_assert_uint_eq(seen, len);
}

static void assert_absent(const char *path)
{
	size_t len;
	ck_assert_msg(!has_file(path, &len), "'%s' is there", path);
}

START_TEST(roots_are_those_of_the_plain_tree)
{
	grow_to(LEAVES);
	for (size_t size = 1; size <= LEAVES; size++) {
		struct iov_hash plain = plain_root(0, size);
		ck_assert_msg(iov_hash_equal(&roots[size], &plain), "size %zu", size);
	}
}
END_TEST

START_TEST(tiles_are_where_the_specification_puts_them)
{
	grow_to(300);
	assert_file("tile/0/000", 8192);
	assert_file("tile/0/001.p/44", 44 * 32);
	assert_file("tile/0/001.p/43", 43 * 32); /* of the checkpoint before */
	assert_file("tile/1/000.p/1", 32);
	assert_absent("tile/0/000.p/255"); /* the full one is there */
	assert_absent("tile/0/000.p/1");
	assert_absent("tile/2/000.p/1");
	assert_absent("tile/entries/000.p/255");
	size_t len;
	ck_assert(has_file("tile/entries/000", &len) && has_file("tile/entries/001.p/44", &len));
}
END_TEST

START_TEST(a_tree_of_256_has_one_full_tile)
{
	grow_to(256);
	assert_file("tile/0/000", 8192);
	assert_file("tile/1/000.p/1", 32);
	assert_absent("tile/0/001.p/0");
}
END_TEST

static void check_inclusion(uint64_t size, uint64_t index)
{
	struct iov_proof proof;
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, &source, size);
	unit_ok(ctx, iov_log_prove_included(ctx, &log, index, &proof));
	ck_assert_msg(iov_merkle_included(index, size, &leaves[index], proof.hashes, proof.count, &roots[size]),
		      "%llu of %llu", (unsigned long long)index, (unsigned long long)size);
	ck_assert(!iov_merkle_included(index, size, &roots[0], proof.hashes, proof.count, &roots[size]));
}

START_TEST(inclusion_is_proved)
{
	static const size_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 256, 257, 511, 512, 513, LEAVES};
	for (size_t i = 0; i < IOV_COUNT(sizes); i++) {
		grow_to(sizes[i]);
		for (uint64_t index = 0; index<sizes[i]; index += sizes[i]> 40 ? 13 : 1)
			check_inclusion(sizes[i], index);
		check_inclusion(sizes[i], sizes[i] - 1);
	}
}
END_TEST

START_TEST(consistency_is_proved)
{
	grow_to(LEAVES);
	for (uint64_t size1 = 1; size1 <= LEAVES; size1 += size1 < 20 ? 1 : 17) {
		struct iov_proof proof;
		iov_auto(iov_log_release) struct iov_log log;
		iov_log_init(&log, &source, LEAVES);
		unit_ok(ctx, iov_log_prove_consistent(ctx, &log, size1, &proof));
		ck_assert_msg(
			iov_merkle_consistent(size1, LEAVES, proof.hashes, proof.count, &roots[size1], &roots[LEAVES]),
			"size %llu", (unsigned long long)size1);
		ck_assert(!iov_merkle_consistent(size1, LEAVES, proof.hashes, proof.count, &roots[size1 - 1],
						 &roots[LEAVES]));
	}
}
END_TEST

START_TEST(a_proof_needs_one_question)
{
	struct iov_proof proof;
	grow_to(LEAVES);
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, &source, LEAVES);
	folder.questions = 0;
	unit_ok(ctx, iov_log_prove_consistent(ctx, &log, 100, &proof));
	ck_assert_uint_eq(folder.questions, 1);
	unit_ok(ctx, iov_log_prove_consistent(ctx, &log, 100, &proof));
	ck_assert_uint_eq(folder.questions, 1);
}
END_TEST

START_TEST(entries_come_back)
{
	static const uint64_t some[] = {0, 1, 255, 256, 511, 512, LEAVES - 1};
	grow_to(LEAVES);
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, &source, LEAVES);
	for (size_t i = 0; i < IOV_COUNT(some); i++) {
		char text[32];
		iov_auto(iov_buf_release) struct iov_buf entry = {0};
		leaf_text(some[i], text);
		unit_ok(ctx, iov_log_entry(ctx, &log, some[i], &entry));
		ck_assert_str_eq(entry.data, text);
	}
	iov_auto(iov_buf_release) struct iov_buf none = {0};
	unit_fails(ctx, iov_log_entry(ctx, &log, LEAVES, &none), IOV_E_UNTRUSTED, "do not hold entry 600");
}
END_TEST

START_TEST(broken_tiles_are_refused)
{
	struct iov_hash root;
	grow_to(5);
	iov_auto(iov_log_release) struct iov_log missing;
	iov_log_init(&missing, &source, 7);
	unit_fails(ctx, iov_log_root(ctx, &missing, &root), IOV_E_UNTRUSTED, "no tile 'tile/0/000.p/7'");
	unit_ok(ctx, iov_changes_put(ctx, &folder.files, "tile/0/000.p/5", "short", 5));
	iov_auto(iov_log_release) struct iov_log shorter;
	iov_log_init(&shorter, &source, 5);
	unit_fails(ctx, iov_log_root(ctx, &shorter, &root), IOV_E_UNTRUSTED, "has 5 bytes instead of 160");
	unit_ok(ctx, iov_changes_put(ctx, &folder.files, "tile/entries/000.p/5", "\xff\xffshort", 7));
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	iov_auto(iov_log_release) struct iov_log torn;
	iov_log_init(&torn, &source, 5);
	unit_fails(ctx, iov_log_entry(ctx, &torn, 0, &entry), IOV_E_UNTRUSTED, "do not hold entry 0");
}
END_TEST

/* A log of 300 entries has the tiles of earlier sizes no more, and says as much about those as they did. */
START_TEST(full_tiles_stand_in_for_partial_ones)
{
	char text[32];
	struct iov_hash root;
	iov_auto(iov_buf_release) struct iov_buf entry = {0}, none = {0};
	iov_auto(iov_log_release) struct iov_log log;
	grow_to(300);
	assert_absent("tile/0/000.p/200");
	assert_absent("tile/entries/000.p/200");
	for (uint64_t index = 0; index < 200; index += 19)
		check_inclusion(200, index);
	iov_log_init(&log, &source, 200);
	unit_ok(ctx, iov_log_root(ctx, &log, &root));
	ck_assert(iov_hash_equal(&root, &roots[200]));
	unit_ok(ctx, iov_log_entry(ctx, &log, 199, &entry));
	leaf_text(199, text);
	ck_assert_str_eq(entry.data, text);
	unit_fails(ctx, iov_log_entry(ctx, &log, 200, &none), IOV_E_UNTRUSTED, "do not hold entry 200");
	iov_auto(iov_log_release) struct iov_log longer;
	unit_ok(ctx, iov_changes_put(ctx, &folder.files, "tile/0/000", "short", 5));
	iov_log_init(&longer, &source, 201);
	unit_fails(ctx, iov_log_root(ctx, &longer, &root), IOV_E_UNTRUSTED, "'tile/0/000' of the log has 5 bytes");
}
END_TEST

/* That partial tiles stay beside the full one, as the specification allows too, is no error. */
START_TEST(partial_tiles_may_stay)
{
	struct iov_hash root;
	iov_auto(iov_log_release) struct iov_log log;
	grow_to(300);
	unit_ok(ctx, iov_changes_put(ctx, &folder.files, "tile/0/000.p/200", "short", 5));
	iov_log_init(&log, &source, 300);
	unit_ok(ctx, iov_log_root(ctx, &log, &root));
	ck_assert(iov_hash_equal(&root, &roots[300]));
}
END_TEST

START_TEST(proofs_of_what_cannot_be_are_refused)
{
	struct iov_proof proof;
	iov_auto(iov_log_release) struct iov_log log;
	grow_to(3);
	iov_log_init(&log, &source, 3);
	unit_fails(ctx, iov_log_prove_included(ctx, &log, 3, &proof), IOV_E_UNTRUSTED, "has 3 entries and no number 3");
	unit_fails(ctx, iov_log_prove_consistent(ctx, &log, 4, &proof), IOV_E_UNTRUSTED, "cannot extend one of 4");
	unit_fails(ctx, iov_log_prove_consistent(ctx, &log, 0, &proof), IOV_E_UNTRUSTED, "cannot extend one of 0");
}
END_TEST

START_TEST(entries_have_a_limit)
{
	iov_auto(iov_free_ptr) char *text = calloc(1, UINT16_MAX + 1);
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, &source, 0);
	unit_fails(ctx, iov_log_append(ctx, &log, text, UINT16_MAX + 1, &changes), IOV_E_INPUT,
		   "longer than the 65535");
	unit_ok(ctx, iov_log_append(ctx, &log, text, UINT16_MAX, &changes));
}
END_TEST

START_TEST(tile_paths)
{
	static const struct {
		struct iov_tile tile;
		const char *path;
	} cases[] = {
		{{0, 0, 256}, "tile/0/000"},
		{{0, 0, 1}, "tile/0/000.p/1"},
		{{3, 999, 255}, "tile/3/999.p/255"},
		{{0, 1000, 256}, "tile/0/x001/000"},
		{{0, 1234067, 256}, "tile/0/x001/x234/067"},
		{{7, 1234067, 17}, "tile/7/x001/x234/067.p/17"},
		{{IOV_TILE_ENTRIES, 1234067, 8}, "tile/entries/x001/x234/067.p/8"},
		{{0, UINT64_MAX, 256}, "tile/0/x018/x446/x744/x073/x709/x551/615"},
	};
	for (size_t i = 0; i < IOV_COUNT(cases); i++) {
		char path[IOV_TILE_PATH_MAX];
		iov_tile_path(&cases[i].tile, path);
		ck_assert_str_eq(path, cases[i].path);
	}
}
END_TEST

/* The example of the specification: a tree of 70,000. */
START_TEST(tile_widths)
{
	ck_assert_uint_eq(iov_tile_at(0, 272, 70000).width, 256);
	ck_assert_uint_eq(iov_tile_at(0, 273, 70000).width, 112);
	ck_assert_uint_eq(iov_tile_at(0, 274, 70000).width, 0);
	ck_assert_uint_eq(iov_tile_at(1, 0, 70000).width, 256);
	ck_assert_uint_eq(iov_tile_at(1, 1, 70000).width, 17);
	ck_assert_uint_eq(iov_tile_at(2, 0, 70000).width, 1);
	ck_assert_uint_eq(iov_tile_at(3, 0, 70000).width, 0);
	ck_assert_uint_eq(iov_tile_at(IOV_TILE_ENTRIES, 273, 70000).width, 112);
}
END_TEST

Suite *suite_registry_log(void)
{
	Suite *suite = suite_create("registry_log");
	TCase *tests = tcase_create("log");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, roots_are_those_of_the_plain_tree);
	tcase_add_test(tests, tiles_are_where_the_specification_puts_them);
	tcase_add_test(tests, a_tree_of_256_has_one_full_tile);
	tcase_add_test(tests, inclusion_is_proved);
	tcase_add_test(tests, consistency_is_proved);
	tcase_add_test(tests, a_proof_needs_one_question);
	tcase_add_test(tests, entries_come_back);
	tcase_add_test(tests, broken_tiles_are_refused);
	tcase_add_test(tests, full_tiles_stand_in_for_partial_ones);
	tcase_add_test(tests, partial_tiles_may_stay);
	tcase_add_test(tests, proofs_of_what_cannot_be_are_refused);
	tcase_add_test(tests, entries_have_a_limit);
	tcase_add_test(tests, tile_paths);
	tcase_add_test(tests, tile_widths);
	suite_add_tcase(suite, tests);
	return suite;
}
