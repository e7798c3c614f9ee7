/* Merkle tree hashes and proofs of RFC 6962, section 2.1, over SHA-256. Plain computation: no I/O, no allocation. */
#ifndef IOV_REGISTRY_MERKLE_H
#define IOV_REGISTRY_MERKLE_H

#include "core/digest.h"

#define IOV_PROOF_MAX 128 /* hashes; a consistency proof in a tree of 2^63 leaves has fewer */

struct iov_hash {
	uint8_t bytes[IOV_DIGEST_SIZE];
};

struct iov_hash iov_merkle_empty(void);
struct iov_hash iov_merkle_leaf(const void *data, uint16_t len); /* tlog-tiles has entries of at most 65535 bytes */
struct iov_hash iov_merkle_node(const struct iov_hash *left, const struct iov_hash *right);
bool iov_hash_equal(const struct iov_hash *a, const struct iov_hash *b);
/* The size of the left subtree of a tree of `size` > 1 leaves: the largest power of two below it. */
uint64_t iov_merkle_split(uint64_t size);

/* That `leaf` is number `index` of the tree of `size` leaves with this root. */
bool iov_merkle_included(uint64_t index, uint64_t size, const struct iov_hash *leaf, const struct iov_hash *proof,
			 size_t n_proof, const struct iov_hash *root);
/* That the tree of `size1` > 0 leaves is the beginning of the tree of `size2` leaves. Nothing can be proved about an
 * empty first tree. */
bool iov_merkle_consistent(uint64_t size1, uint64_t size2, const struct iov_hash *proof, size_t n_proof,
			   const struct iov_hash *root1, const struct iov_hash *root2);

/* The same of a part of a tree, leaves start .. end - 1 as a tree of their own, where it begins at a multiple of a
 * power of two that holds it (draft-ietf-plants-merkle-tree-certs, section 4). */
bool iov_merkle_subtree_included(uint64_t index, uint64_t start, uint64_t end, const struct iov_hash *leaf,
				 const struct iov_hash *proof, size_t n_proof, const struct iov_hash *root);
bool iov_merkle_subtree_consistent(uint64_t start, uint64_t end, uint64_t size, const struct iov_hash *proof,
				   size_t n_proof, const struct iov_hash *root1, const struct iov_hash *root2);

#endif
