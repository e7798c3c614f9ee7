/* Which files of a module's folder go into its archive. docs/archive-format.md has the rule. */
#ifndef IOV_PACK_COLLECT_H
#define IOV_PACK_COLLECT_H

#include "core/release.h"
#include "worker/worker.h"

struct iov_collection {
	struct iov_pack_entry *entries; /* sorted by path, each once; the strings are owned */
	size_t count;
	uint64_t size; /* bytes of all files together */
};

/* `object` may be NULL. Refuses links, missing sources and whatever is over the limits of core/release.h. */
int iov_collect(struct iov_ctx *ctx, const char *dir, const struct iov_manifest *manifest, const char *object,
		struct iov_collection *ret);
void iov_collection_release(struct iov_collection *collection);

#endif
