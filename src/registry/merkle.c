#include "registry/merkle.h"

#include <string.h>

#include "util/cleanup.h"

#define LEAF 0x00 /* what is hashed before a leaf and before a node, so that neither passes for the other */
#define NODE 0x01

struct iov_hash iov_merkle_empty(void)
{
	struct iov_hash hash = {{0}};
	iov_sha256("", 0, hash.bytes);
	return hash;
}

struct iov_hash iov_merkle_leaf(const void *data, uint16_t len)
{
	uint8_t text[1 + UINT16_MAX] = {LEAF};
	struct iov_hash hash = {{0}};
	if (len)
		memcpy(text + 1, data, len);
	iov_sha256(text, (size_t)len + 1, hash.bytes);
	return hash;
}

struct iov_hash iov_merkle_node(const struct iov_hash *left, const struct iov_hash *right)
{
	uint8_t text[1 + 2 * IOV_DIGEST_SIZE] = {NODE};
	struct iov_hash hash = {{0}};
	memcpy(text + 1, left->bytes, IOV_DIGEST_SIZE);
	memcpy(text + 1 + IOV_DIGEST_SIZE, right->bytes, IOV_DIGEST_SIZE);
	iov_sha256(text, sizeof(text), hash.bytes);
	return hash;
}

bool iov_hash_equal(const struct iov_hash *a, const struct iov_hash *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

uint64_t iov_merkle_split(uint64_t size)
{
	return 1ull << (63 - __builtin_clzll(size - 1));
}

/*
 * Walks from the node that ends at leaf `at`, in a tree of leaves 0 .. `last`, towards the root (RFC 9162, 2.1.3.2).
 * Where the proof's hash stands to the left it belongs to the smaller tree too, unless that begins further right, at
 * `first`. `smaller` may be NULL.
 */
static bool walk(uint64_t first, uint64_t at, uint64_t last, const struct iov_hash *proof, size_t n_proof,
		 struct iov_hash *smaller, struct iov_hash *larger)
{
	for (size_t i = 0; i < n_proof; i++) {
		if (last == 0)
			return false;
		if ((at & 1) || at == last) {
			if (smaller && first < at)
				*smaller = iov_merkle_node(&proof[i], smaller);
			*larger = iov_merkle_node(&proof[i], larger);
			while (!(at & 1) && at != 0) {
				first >>= 1;
				at >>= 1;
				last >>= 1;
			}
		} else {
			*larger = iov_merkle_node(larger, &proof[i]);
		}
		first >>= 1;
		at >>= 1;
		last >>= 1;
	}
	return last == 0;
}

/* Where a subtree may begin: a multiple of the power of two that holds it. */
static bool is_subtree(uint64_t start, uint64_t end)
{
	if (start >= end)
		return false;
	uint64_t width = end - start == 1 ? 1 : iov_merkle_split(end - start);
	return end - start == width ? start % width == 0 : width < 1ull << 63 && start % (2 * width) == 0;
}

bool iov_merkle_subtree_included(uint64_t index, uint64_t start, uint64_t end, const struct iov_hash *leaf,
				 const struct iov_hash *proof, size_t n_proof, const struct iov_hash *root)
{
	if (!is_subtree(start, end) || index < start || index >= end)
		return false;
	struct iov_hash hash = *leaf;
	return walk(0, index - start, end - start - 1, proof, n_proof, NULL, &hash) && iov_hash_equal(&hash, root);
}

bool iov_merkle_included(uint64_t index, uint64_t size, const struct iov_hash *leaf, const struct iov_hash *proof,
			 size_t n_proof, const struct iov_hash *root)
{
	return iov_merkle_subtree_included(index, 0, size, leaf, proof, n_proof, root);
}

bool iov_merkle_subtree_consistent(uint64_t start, uint64_t end, uint64_t size, const struct iov_hash *proof,
				   size_t n_proof, const struct iov_hash *root1, const struct iov_hash *root2)
{
	struct iov_hash empty = iov_merkle_empty();
	if (start == end) /* of no leaves: of every tree, and there is nothing to prove */
		return end <= size && n_proof == 0 && iov_hash_equal(root1, &empty);
	if (!is_subtree(start, end) || end > size)
		return false;
	/* Up to the last whole subtree of the smaller tree. Where the larger one ends with it, that is all of it. */
	uint64_t first = start, at = end - 1, last = size - 1;
	while (first != at && (end == size || (at & 1))) {
		first >>= 1;
		at >>= 1;
		last >>= 1;
	}
	/* The proof begins there; when it is all of the smaller tree, its root is known and left out. */
	bool known = first == at;
	if (!known && n_proof == 0)
		return false;
	struct iov_hash smaller = known ? *root1 : proof[0];
	struct iov_hash larger = smaller;
	size_t skip = known ? 0 : 1;
	return walk(first, at, last, proof + skip, n_proof - skip, &smaller, &larger) &&
	       iov_hash_equal(&smaller, root1) && iov_hash_equal(&larger, root2);
}

bool iov_merkle_consistent(uint64_t size1, uint64_t size2, const struct iov_hash *proof, size_t n_proof,
			   const struct iov_hash *root1, const struct iov_hash *root2)
{
	return iov_merkle_subtree_consistent(0, size1, size2, proof, n_proof, root1, root2);
}
