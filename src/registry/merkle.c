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
 * Walks from leaf `at` of a tree with leaves 0 .. `last` towards the root (RFC 9162, 2.1.3.2). Where the proof's hash
 * stands to the left it belongs to both trees of a consistency proof; to the right, to the larger only. `smaller` may
 * be NULL.
 */
static bool walk(uint64_t at, uint64_t last, const struct iov_hash *proof, size_t n_proof, struct iov_hash *smaller,
		 struct iov_hash *larger)
{
	for (size_t i = 0; i < n_proof; i++) {
		if (last == 0)
			return false;
		if ((at & 1) || at == last) {
			if (smaller)
				*smaller = iov_merkle_node(&proof[i], smaller);
			*larger = iov_merkle_node(&proof[i], larger);
			while (!(at & 1) && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			*larger = iov_merkle_node(larger, &proof[i]);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0;
}

bool iov_merkle_included(uint64_t index, uint64_t size, const struct iov_hash *leaf, const struct iov_hash *proof,
			 size_t n_proof, const struct iov_hash *root)
{
	if (index >= size)
		return false;
	struct iov_hash hash = *leaf;
	return walk(index, size - 1, proof, n_proof, NULL, &hash) && iov_hash_equal(&hash, root);
}

bool iov_merkle_consistent(uint64_t size1, uint64_t size2, const struct iov_hash *proof, size_t n_proof,
			   const struct iov_hash *root1, const struct iov_hash *root2)
{
	if (size1 == 0 || size1 > size2)
		return false;
	if (size1 == size2)
		return n_proof == 0 && iov_hash_equal(root1, root2);

	/* The proof begins at the last whole subtree of the smaller tree; when that is all of it, its root is known and
	 * left out. */
	unsigned whole = (unsigned)__builtin_ctzll(size1);
	bool power = (size1 & (size1 - 1)) == 0;
	if (!power && n_proof == 0)
		return false;
	struct iov_hash smaller = power ? *root1 : proof[0];
	struct iov_hash larger = smaller;
	size_t skip = power ? 0 : 1;
	return walk((size1 - 1) >> whole, (size2 - 1) >> whole, proof + skip, n_proof - skip, &smaller, &larger) &&
	       iov_hash_equal(&smaller, root1) && iov_hash_equal(&larger, root2);
}
