/*
 * A registry read over HTTP file by file: "sparse+https://…" names a folder of static files, the tree of the main
 * branch as `iovpkg registry serve` writes it. There is no clone; what was checked is kept by digest below
 * <state>/registries/<name>/files/ and answers without a request, also after a refusal and offline. The folder is
 * bounded: what was not used for the longest time goes.
 *
 * All requests go over one connection that stays open, those of one question at the same time.
 */
#ifndef IOV_REGISTRY_SPARSE_H
#define IOV_REGISTRY_SPARSE_H

#include "registry/source.h"
#include "worker/http.h"

#define IOV_SPARSE_FILES_MAX 4096	   /* kept */
#define IOV_SPARSE_BYTES_MAX (64ull << 20) /* of those */

struct iov_sparse;

bool iov_sparse_is(const char *url);

/* Nothing is opened yet. `name` is the registry's, for errors; `folder` its trust state's. */
int iov_sparse_new(struct iov_ctx *ctx, const char *name, const char *url, const char *folder, struct iov_sparse **ret);
void iov_sparse_free(struct iov_sparse *sparse);
struct iov_source iov_sparse_source(struct iov_sparse *sparse); /* borrowed from `sparse` */
const char *iov_sparse_url(const struct iov_sparse *sparse);	/* as HTTP has it; ends in a slash */
/* Its connection, which is made when it is first asked for; borrowed. */
int iov_sparse_session(struct iov_ctx *ctx, struct iov_sparse *sparse, struct iov_http **ret);
/* `to` goes on with the connection of `from`. */
void iov_sparse_adopt(struct iov_sparse *to, struct iov_sparse *from);

/* head.note and the ETag that goes with it ("": none); where it is still the one of `etag`, *ret stays empty. `etag`
 * NULL: whatever it is. */
int iov_sparse_head(struct iov_ctx *ctx, struct iov_sparse *sparse, const char *etag, struct iov_buf *ret,
		    char **ret_etag);
/* Reads these files now, with one question; the next head and the next reads of them take what came. */
int iov_sparse_read_ahead(struct iov_ctx *ctx, struct iov_sparse *sparse, const char *const *paths, size_t count,
			  size_t limit);
/* Keeps the folder of checked files within its bounds. */
void iov_sparse_prune(const struct iov_sparse *sparse);

#endif
