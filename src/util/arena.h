/* Memory that is given back all at once, or back to a mark: for a computation that makes many small things which live
 * equally long. Nothing taken from an arena is freed on its own. */
#ifndef IOV_UTIL_ARENA_H
#define IOV_UTIL_ARENA_H

#include <stddef.h>

struct iov_arena_chunk;

struct iov_arena {
	struct iov_arena_chunk *last; /* owned, with those before it; NULL: nothing was taken yet */
};

struct iov_arena_mark {
	struct iov_arena_chunk *chunk;
	size_t used;
};

/* Zeroed and aligned for anything; NULL: no memory. */
void *iov_arena_take(struct iov_arena *arena, size_t size);
struct iov_arena_mark iov_arena_mark(const struct iov_arena *arena);
/* Everything taken since the mark is gone. */
void iov_arena_rewind(struct iov_arena *arena, struct iov_arena_mark mark);
void iov_arena_release(struct iov_arena *arena);

#endif
