/*
 * "Did you mean ...?": offer the names there are, one by one, and read the nearest. A name counts as near when a third
 * of its letters or fewer were added, dropped, changed or swapped with a neighbour.
 */
#ifndef IOV_UTIL_NEAREST_H
#define IOV_UTIL_NEAREST_H

#include <stddef.h>

struct iov_nearest {
	const char *word; /* as it was written, `len` bytes; borrowed */
	size_t len;
	const char *name;  /* the nearest so far, of equals the first; borrowed; NULL: none is near */
	unsigned distance; /* of `name` */
};

void iov_nearest_init(struct iov_nearest *nearest, const char *word, size_t len);
void iov_nearest_offer(struct iov_nearest *nearest, const char *name);

#endif
