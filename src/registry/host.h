/*
 * A registry from its host's side: the state of the main branch, checked before anything is built on it, and the one
 * way to change it: a commit with a new signed head, on top of the commit that was read.
 */
#ifndef IOV_REGISTRY_HOST_H
#define IOV_REGISTRY_HOST_H

#include "registry/changes.h"
#include "registry/head.h"
#include "registry/index.h"
#include "registry/listing.h"
#include "registry/recent.h"
#include "registry/source.h"

#define IOV_MAIN_REF "refs/heads/main"

struct iov_host {
	char *path;		      /* of the repository */
	char commit[IOV_COMMIT_SIZE]; /* whose files are read */
	char parent[IOV_COMMIT_SIZE]; /* where main is: elsewhere only when an older commit is gone back to */
	struct iov_root *root;
	struct iov_head head;
	struct iov_listing top;
	struct iov_recent recent;
};

int iov_host_open(struct iov_ctx *ctx, const char *path, struct iov_host *ret);
/* The state at an older commit of main, to be built upon instead of what came after it. */
int iov_host_open_at(struct iov_ctx *ctx, const char *path, const char *commit, struct iov_host *ret);
void iov_host_release(struct iov_host *host);
struct iov_source iov_host_source(const struct iov_host *host); /* borrowed from `host` */

/* Lists an index file's new bytes in its shard and in manifest/top: all three go to `changes`, also under their hashes,
 * with those that they replace; the new top goes to host->top and the head's manifest digest too. */
int iov_host_list(struct iov_ctx *ctx, struct iov_host *host, const char *name, const struct iov_buf *index,
		  struct iov_changes *changes);
/* The index file of a module, checked, and its releases; both empty where there is none. */
int iov_host_index(struct iov_ctx *ctx, const struct iov_host *host, const char *name, struct iov_buf *ret_text,
		   struct iov_index *ret);
/* Appends a leaf to the log (event.h); host->head tells of the longer log then. Once a commit. */
int iov_host_log(struct iov_ctx *ctx, struct iov_host *host, const char *leaf, struct iov_changes *changes);
/* Signs host->head, one version higher, and the checkpoint, and commits. IOV_E_BUSY when main has moved since it was
 * opened. */
int iov_host_commit(struct iov_ctx *ctx, struct iov_host *host, const struct iov_signer *signer, unsigned days,
		    int64_t now, struct iov_changes *changes, const char *message, char *ret_commit);

#endif
