#include <stdlib.h>
#include <string.h>

#include "registry/merkle.h"
#include "sign/base64.h"
#include "util/cleanup.h"
#include "vectors.h"

/* Some bad vectors hold hashes of other lengths; they have no place in our types and count as refused. */
static bool get_hash(const json_t *text, struct iov_hash *ret)
{
	size_t len = 0;
	const char *base64 = json_string_value(text);
	return base64 && iov_unbase64(base64, strlen(base64), sizeof(ret->bytes), ret->bytes, &len) &&
	       len == sizeof(ret->bytes);
}

static bool get_proof(const json_t *json, struct iov_hash *proof, size_t *ret_count)
{
	*ret_count = json_array_size(json_object_get(json, "proof"));
	ck_assert_uint_lt(*ret_count, IOV_PROOF_MAX);
	for (size_t i = 0; i < *ret_count; i++)
		if (!get_hash(json_array_get(json_object_get(json, "proof"), i), &proof[i]))
			return false;
	return true;
}

static uint64_t get_number(const json_t *json, const char *key)
{
	double number = json_number_value(json_object_get(json, key));
	ck_assert_msg(number < 0x1p53 || number >= 0x1p63, "%s: a number that a real does not hold", key);
	return number >= 0x1p64 ? UINT64_MAX : (uint64_t)number;
}

static void check(const char *path, const json_t *json, bool seen)
{
	bool expected = !json_is_true(json_object_get(json, "wantErr"));
	ck_assert_msg(seen == expected, "%s: %s", path, seen ? "taken" : "refused");
}

static void run_inclusion(struct iov_ctx *ctx, const char *path, const json_t *json)
{
	struct iov_hash leaf, root, proof[IOV_PROOF_MAX];
	size_t count;
	(void)ctx;
	check(path, json,
	      get_hash(json_object_get(json, "leafHash"), &leaf) && get_hash(json_object_get(json, "root"), &root) &&
		      get_proof(json, proof, &count) &&
		      iov_merkle_included(get_number(json, "leafIdx"), get_number(json, "treeSize"), &leaf, proof,
					  count, &root));
}

static void run_subtree_inclusion(struct iov_ctx *ctx, const char *path, const json_t *json)
{
	struct iov_hash leaf, root, proof[IOV_PROOF_MAX];
	size_t count;
	(void)ctx;
	check(path, json,
	      get_hash(json_object_get(json, "leafHash"), &leaf) && get_hash(json_object_get(json, "root"), &root) &&
		      get_proof(json, proof, &count) &&
		      iov_merkle_subtree_included(get_number(json, "leafIdx"), get_number(json, "start"),
						  get_number(json, "end"), &leaf, proof, count, &root));
}

/* A few good vectors have roots of 12 bytes, which say only whether they are the same. */
static bool get_root(const json_t *json, const char *key, struct iov_hash *ret)
{
	const json_t *text = json_object_get(json, key);
	if (get_hash(text, ret))
		return true;
	if (json_is_true(json_object_get(json, "wantErr")) || json_string_length(text) != 16)
		return false;
	*ret = iov_merkle_leaf(json_string_value(text), 16);
	return true;
}

static bool get_roots(const json_t *json, struct iov_hash *root1, struct iov_hash *root2)
{
	return get_root(json, "root1", root1) && get_root(json, "root2", root2);
}

static void run_consistency(struct iov_ctx *ctx, const char *path, const json_t *json)
{
	struct iov_hash root1, root2, proof[IOV_PROOF_MAX];
	size_t count;
	(void)ctx;
	check(path, json,
	      get_roots(json, &root1, &root2) && get_proof(json, proof, &count) &&
		      iov_merkle_consistent(get_number(json, "size1"), get_number(json, "size2"), proof, count, &root1,
					    &root2));
}

static void run_subtree_consistency(struct iov_ctx *ctx, const char *path, const json_t *json)
{
	struct iov_hash root1, root2, proof[IOV_PROOF_MAX];
	size_t count;
	(void)ctx;
	check(path, json,
	      get_roots(json, &root1, &root2) && get_proof(json, proof, &count) &&
		      iov_merkle_subtree_consistent(get_number(json, "start"), get_number(json, "end"),
						    get_number(json, "size"), proof, count, &root1, &root2));
}

static size_t run_all(const char *folder, void (*run)(struct iov_ctx *, const char *, const json_t *))
{
	iov_auto(iov_free_ptr) char *path = unit_vectors(folder);
	if (!path)
		return SIZE_MAX;
	struct iov_ctx *ctx = unit_ctx();
	size_t count = unit_each_vector(ctx, path, run);
	unit_ctx_free(ctx);
	return count;
}

/* All of them, as many as there are files. */
START_TEST(vectors)
{
	static const struct {
		const char *folder;
		void (*run)(struct iov_ctx *, const char *, const json_t *);
		size_t count;
	} sets[] = {
		{"merkle/testdata/inclusion", run_inclusion, 98},
		{"merkle/testdata/consistency", run_consistency, 98},
		{"merkle/testdata/subtreeinclusion", run_subtree_inclusion, 204},
		{"merkle/testdata/subtreeconsistency", run_subtree_consistency, 118},
	};
	size_t count = run_all(sets[_i].folder, sets[_i].run);
	ck_assert_msg(count == SIZE_MAX || count == sets[_i].count, "%s: %zu vectors", sets[_i].folder, count);
}
END_TEST

static void assert_hex(struct iov_hash hash, const char *expected)
{
	char hex[IOV_HEX_SIZE];
	iov_hex(hash.bytes, sizeof(hash.bytes), hex);
	ck_assert_str_eq(hex, expected);
}

/* Known from certificate transparency: the tree of no leaves, and the leaf of no bytes. */
START_TEST(known_hashes)
{
	assert_hex(iov_merkle_empty(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_hex(iov_merkle_leaf("", 0), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
	struct iov_hash empty = iov_merkle_leaf("", 0), zero = iov_merkle_leaf("\0", 1);
	assert_hex(iov_merkle_node(&empty, &zero), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
}
END_TEST

START_TEST(splits_at_the_largest_power_of_two_below)
{
	static const uint64_t cases[][2] = {{2, 1},
					    {3, 2},
					    {4, 2},
					    {5, 4},
					    {8, 4},
					    {9, 8},
					    {1ull << 40, 1ull << 39},
					    {(1ull << 40) + 1, 1ull << 40}};
	for (size_t i = 0; i < IOV_COUNT(cases); i++)
		ck_assert_uint_eq(iov_merkle_split(cases[i][0]), cases[i][1]);
}
END_TEST

Suite *suite_registry_merkle(void)
{
	Suite *suite = suite_create("registry_merkle");
	TCase *tests = tcase_create("merkle");
	tcase_add_loop_test(tests, vectors, 0, 4);
	tcase_add_test(tests, known_hashes);
	tcase_add_test(tests, splits_at_the_largest_power_of_two_below);
	suite_add_tcase(suite, tests);
	return suite;
}
