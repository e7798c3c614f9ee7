/*
 * Places inside the keys and values of maps, by the layouts that releases carry (docs/map-contracts.md): finding a
 * field by its name, reading a number there, and making a key from text. Bytes are in this machine's order, as programs
 * write them.
 */
#ifndef IOV_CORE_PLACE_H
#define IOV_CORE_PLACE_H

#include "core/json.h"

struct iov_layout_place {
	const json_t *type; /* borrowed */
	uint64_t bit;	    /* from the start of the key or value */
	unsigned bits;	    /* of a bit-field, else 0 */
};

/* "packets", "rx.bytes[3]"; NULL or "" is the whole. IOV_E_INPUT names the part that is not there, and what is. */
int iov_place_find(struct iov_ctx *ctx, const json_t *layout, const char *path, struct iov_layout_place *ret);
/* Is there a number of at most 64 bits? IOV_E_INPUT says what there is instead. */
int iov_place_check_number(struct iov_ctx *ctx, const struct iov_layout_place *place);
bool iov_place_is_signed(const struct iov_layout_place *place);
/* That number; a negative one with all its high bits set. IOV_E_CONTRACT: the data ends before it. */
int iov_place_read(struct iov_ctx *ctx, const struct iov_layout_place *place, const void *data, size_t len,
		   uint64_t *ret);
/* A number, true, false, or the name of an enumerator, as the place could hold it. IOV_E_INPUT. */
int iov_place_parse(struct iov_ctx *ctx, const struct iov_layout_place *place, const char *text, uint64_t *ret);

/* A key of `size` bytes from a text or an object of texts by member; what is not named is zero. A text is a number, an
 * enumerator, the letters of an array of char, or "hex:" and every byte. `layout` may be NULL: then it is a number of
 * the key's size, or hex. */
int iov_place_make_key(struct iov_ctx *ctx, const json_t *layout, const json_t *key, void *ret, size_t size);

/* Adds every integer of one value to another of the same type; the rest of `into` stays. For the counters of CPUs that
 * are no more. Without a layout, nothing is added. */
void iov_layout_add(const json_t *layout, void *into, const void *from, size_t size);

/* Bytes that a type takes. */
uint64_t iov_layout_size(const json_t *type);

#endif
