#include "resolve/states.h"

size_t iov_states_best(const uint64_t *set, size_t words)
{
	for (size_t i = 0; i < words; i++) {
		uint64_t word = i ? set[i] : set[i] & ~1ull;
		if (word)
			return i * 64 + (size_t)__builtin_ctzll(word);
	}
	return 0;
}

size_t iov_states_count(const uint64_t *set, size_t words)
{
	size_t count = 0;
	for (size_t i = 0; i < words; i++)
		count += (size_t)__builtin_popcountll(i ? set[i] : set[i] & ~1ull);
	return count;
}

uint64_t *iov_states_new(struct iov_arena *arena, size_t words)
{
	return iov_arena_take(arena, words * sizeof(uint64_t));
}

uint64_t *iov_states_all(struct iov_arena *arena, size_t n_candidates)
{
	size_t words = iov_states_words(n_candidates), left = (n_candidates + 1) % 64;
	uint64_t *set = iov_states_new(arena, words);
	for (size_t i = 0; set && i < words; i++)
		set[i] = i + 1 == words && left ? (1ull << left) - 1 : ~0ull;
	return set;
}

uint64_t *iov_states_union(struct iov_arena *arena, const uint64_t *set, const uint64_t *other, size_t words)
{
	uint64_t *both = iov_states_new(arena, words);
	for (size_t i = 0; both && i < words; i++)
		both[i] = set[i] | other[i];
	return both;
}

uint64_t *iov_states_common(struct iov_arena *arena, const uint64_t *set, const uint64_t *other, size_t words)
{
	uint64_t *common = iov_states_new(arena, words);
	for (size_t i = 0; common && i < words; i++)
		common[i] = set[i] & other[i];
	return common;
}

uint64_t *iov_states_without(struct iov_arena *arena, const uint64_t *set, const uint64_t *other, size_t words)
{
	uint64_t *rest = iov_states_new(arena, words);
	for (size_t i = 0; rest && i < words; i++)
		rest[i] = set[i] & ~other[i];
	return rest;
}
