/*
 * Sets of the states that one module can be in. Bit 0 stands for "not on this host", bit i + 1 for its candidate i.
 * With absence as one state among the others a term of PubGrub is just such a set: "top ^1" is the states of the
 * candidates that ^1 matches, and "not top ^1" is all others, absence among them. Every rule is then an operation on
 * sets, and exact: whatever a requirement, a yank or a lock means was settled when the bits were set.
 */
#ifndef IOV_RESOLVE_STATES_H
#define IOV_RESOLVE_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"

#define IOV_ABSENT 0 /* the bit */

/* Words that hold the states of a module with so many candidates. */
static inline size_t iov_states_words(size_t n_candidates)
{
	return n_candidates / 64 + 1;
}

static inline bool iov_states_has(const uint64_t *set, size_t state)
{
	return set[state / 64] >> (state % 64) & 1;
}

static inline void iov_states_add(uint64_t *set, size_t state)
{
	set[state / 64] |= 1ull << (state % 64);
}

static inline bool iov_states_is_within(const uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (set[i] & ~other[i])
			return false;
	return true;
}

static inline bool iov_states_is_apart(const uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (set[i] & other[i])
			return false;
	return true;
}

static inline bool iov_states_is_same(const uint64_t *set, const uint64_t *other, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (set[i] != other[i])
			return false;
	return true;
}

/* The first candidate's state, thus the best; 0: none is in the set. */
size_t iov_states_best(const uint64_t *set, size_t words);
/* How many candidates, absence not counted. */
size_t iov_states_count(const uint64_t *set, size_t words);

/* New sets from the arena; NULL: no memory. */
uint64_t *iov_states_new(struct iov_arena *arena, size_t words);
uint64_t *iov_states_all(struct iov_arena *arena, size_t n_candidates);
uint64_t *iov_states_union(struct iov_arena *arena, const uint64_t *set, const uint64_t *other, size_t words);
uint64_t *iov_states_common(struct iov_arena *arena, const uint64_t *set, const uint64_t *other, size_t words);
uint64_t *iov_states_without(struct iov_arena *arena, const uint64_t *set, const uint64_t *other, size_t words);

#endif
