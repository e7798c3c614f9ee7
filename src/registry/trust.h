/*
 * What this host has come to trust of a registry, on disk below <state>/registries/<name>/:
 *
 * - registry.json: the pin, {"fingerprint", "name", "schema", "url"}, and with witnesses "cosigners", "witnesses"
 * - root/<N>.note: the chain of roots from the pinned one on
 * - head.json: {"commit" or "etag", "head": the text of the newest head.note, "packages", "root", "schema"}; written
 * last, replaced as a whole
 * - seen.json: what this host knows of index files that it read (seen.h)
 * - git/: the bare clone; what is read is a commit's tree, so a fetch that is refused changes nothing
 * - files/<sha256>: of a sparse registry (sparse.h) instead, what was read and checked
 * - proofs/<sha256>.json: and proofs of releases that were made from it (proof.h)
 * - lock: held while a new state is fetched and stored
 *
 * Opening reads all of it and checks it again from the pin on.
 */
#ifndef IOV_REGISTRY_TRUST_H
#define IOV_REGISTRY_TRUST_H

#include "registry/head.h"
#include "registry/source.h"
#include "registry/sparse.h"

struct iov_trust {
	char *name;
	char *url;
	char *folder; /* of the trust state */
	char *repo;   /* of the clone */
	char fingerprint[IOV_HEX_SIZE];
	struct iov_root **roots; /* root 1 first; the last is in force */
	size_t n_roots;
	struct iov_head head; /* version 0 and an empty log: none seen yet */
	char *note;	      /* the text of that head.note; NULL: none */
	char *packages;	      /* "git", or templates of archive URLs with spaces between; NULL: not known yet */
	char commit[IOV_COMMIT_SIZE];
	struct iov_sparse *sparse; /* NULL: the registry is read through its clone */
	char *etag;		   /* of that head.note */
	json_t *witnesses;	   /* keys as texts; NULL: none */
	uint64_t cosigners;	   /* how many of them must have cosigned each checkpoint */
};

/* A registry that is not pinned yet: nothing is read. */
int iov_trust_new(struct iov_ctx *ctx, const char *name, const char *url, const char *folder, struct iov_trust **ret);
int iov_trust_open(struct iov_ctx *ctx, const char *name, struct iov_trust **ret);
void iov_trust_free(struct iov_trust *trust);

const struct iov_root *iov_trust_root(const struct iov_trust *trust);
struct iov_source iov_trust_source(const struct iov_trust *trust); /* borrowed from `trust`, valid until it advances */
/* Takes the root over, also when it fails. */
int iov_trust_add_root(struct iov_ctx *ctx, struct iov_trust *trust, struct iov_root *root);

/* Held while the state is fetched and stored: two at once must not store the older one last. Ends with the descriptor.
 */
int iov_trust_lock(struct iov_ctx *ctx, const struct iov_trust *trust, int *ret_fd);

/* Checks the registry as it is at `commit` of the clone; when all is well, that is the trusted state on disk and here.
 */
int iov_trust_advance(struct iov_ctx *ctx, struct iov_trust *trust, const char *commit, int64_t now);
/* The same for a sparse registry, as it is now. One request when its head is the one that is known. */
int iov_trust_advance_sparse(struct iov_ctx *ctx, struct iov_trust *trust, int64_t now);
/* Both after a fetch, under the lock, and starting from what is on disk by then. */
int iov_trust_update(struct iov_ctx *ctx, struct iov_trust *trust, int64_t now);

/* A sparse registry that nobody has pinned here, as it is now: its first root is taken for true. What is read is kept
 * below `folder`. */
int iov_trust_look(struct iov_ctx *ctx, const char *url, const char *folder, struct iov_trust **ret);

/* Write the pin; and the chain of roots and the head. */
int iov_trust_store_pin(struct iov_ctx *ctx, const struct iov_trust *trust);
int iov_trust_store(struct iov_ctx *ctx, const struct iov_trust *trust);

#define IOV_MIRRORS_MAX 8 /* places of an archive */

/* Where the archive of this digest is to be downloaded, any of them; owned by the caller, also after an error. 0:
 * nowhere, it is a ref of the repository. */
int iov_trust_archive_urls(struct iov_ctx *ctx, const struct iov_trust *trust, const char *sha256,
			   char *ret_urls[IOV_MIRRORS_MAX], size_t *ret_count);

/* The folder of a registry, or with "" the folder of them all. Owned by the caller. */
char *iov_trust_folder(const struct iov_ctx *ctx, const char *name);

#endif
