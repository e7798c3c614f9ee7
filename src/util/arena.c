#include "util/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK ((size_t)16 << 10)	/* bytes; enough for a small host */
#define LARGEST_STEP ((size_t)64 << 10) /* bytes; chunks double up to this, and half of the last one is waste */

struct iov_arena_chunk {
	struct iov_arena_chunk *before;
	size_t used, size; /* bytes of data */
	alignas(max_align_t) unsigned char data[];
};

static struct iov_arena_chunk *add_chunk(struct iov_arena *arena, size_t least)
{
	size_t size = arena->last ? arena->last->size * 2 : FIRST_CHUNK;
	if (size > LARGEST_STEP)
		size = LARGEST_STEP;
	if (size < least)
		size = least;
	struct iov_arena_chunk *chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->before = arena->last;
	chunk->used = 0;
	chunk->size = size;
	arena->last = chunk;
	return chunk;
}

void *iov_arena_take(struct iov_arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct iov_arena_chunk *chunk = arena->last;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(arena, size);
	if (!chunk)
		return NULL;
	void *taken = chunk->data + chunk->used;
	chunk->used += size;
	return memset(taken, 0, size);
}

struct iov_arena_mark iov_arena_mark(const struct iov_arena *arena)
{
	return (struct iov_arena_mark){.chunk = arena->last, .used = arena->last ? arena->last->used : 0};
}

void iov_arena_rewind(struct iov_arena *arena, struct iov_arena_mark mark)
{
	while (arena->last != mark.chunk) {
		struct iov_arena_chunk *chunk = arena->last;
		arena->last = chunk->before;
		free(chunk);
	}
	if (mark.chunk)
		mark.chunk->used = mark.used;
}

void iov_arena_release(struct iov_arena *arena)
{
	iov_arena_rewind(arena, (struct iov_arena_mark){0});
}
