/*
 * Sorted lines "NAME SHA256 LENGTH", the index manifest's form at both levels: "manifest/top" lists the shards,
 * "manifest/<ab>" the index files whose name's SHA-256 begins with ab. The digest of manifest/top in the signed head
 * thus vouches for every index file.
 */
#ifndef IOV_REGISTRY_LISTING_H
#define IOV_REGISTRY_LISTING_H

#include "core/digest.h"
#include "core/manifest.h"
#include "util/buf.h"

#define IOV_LISTING_MAX (8u << 20) /* bytes: about 60000 names in one shard */
#define IOV_INDEX_MAX (16u << 20)  /* bytes of one index file: about 1000 releases of a large module */
#define IOV_INDEX_PATH_MAX 96	   /* bytes of a path, with its terminator */
#define IOV_TOP_PATH "manifest/top"

struct iov_listed {
	char name[IOV_NAME_MAX + 1];
	char sha256[IOV_HEX_SIZE];
	uint64_t size; /* bytes */
};

struct iov_listing {
	struct iov_listed *items; /* sorted by name; owned */
	size_t count;
};

int iov_listing_parse(struct iov_ctx *ctx, const char *what, const char *text, size_t len, struct iov_listing *ret);
void iov_listing_release(struct iov_listing *listing);
const struct iov_listed *iov_listing_find(const struct iov_listing *listing, const char *name); /* NULL: not listed */
/* Lists these bytes under the name, in the place of what was there. */
int iov_listing_set(struct iov_ctx *ctx, struct iov_listing *listing, const char *name, const void *data, size_t len);
/* The same for a digest and a size that are known. */
int iov_listing_put(struct iov_ctx *ctx, struct iov_listing *listing, const char *name, const struct iov_listed *as);
int iov_listing_text(struct iov_ctx *ctx, const struct iov_listing *listing, struct iov_buf *ret);
/* That the bytes are the listed ones. */
bool iov_listed_is(const struct iov_listed *listed, const void *data, size_t len);

/* Where a module's name belongs. The shard is "ab", the paths "manifest/ab" and "index/ab/cd/NAME". */
struct iov_index_place {
	char shard[3];
	char shard_path[IOV_INDEX_PATH_MAX];
	char index_path[IOV_INDEX_PATH_MAX];
};
void iov_index_place(const char *name, struct iov_index_place *ret);

#endif
