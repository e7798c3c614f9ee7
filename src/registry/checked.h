/*
 * A folder of files named by their SHA-256, for what was checked once and may be asked for again. It is a cache: each
 * file is checked again when it is read, nothing is synced, and what cannot be written is not kept. Bounded: what was
 * not used for the longest time goes.
 */
#ifndef IOV_REGISTRY_CHECKED_H
#define IOV_REGISTRY_CHECKED_H

#include "registry/listing.h"
#include "util/buf.h"

struct iov_checked_bounds {
	size_t files;
	uint64_t bytes;
};

/* The bytes that `listed` names, into an empty buffer; false: they are not there. */
bool iov_checked_read(const char *folder, const struct iov_listed *listed, struct iov_buf *ret);
void iov_checked_write(const char *folder, const struct iov_listed *listed, const struct iov_buf *text);
/* Where there is more than `bounds` allow, half of them are left, so that this is seldom. */
void iov_checked_prune(const char *folder, const struct iov_checked_bounds *bounds);

#endif
