/*
 * The head of a registry: one signed document that vouches for everything else, head.note, and the same log as a C2SP
 * tlog-checkpoint (https://c2sp.org/tlog-checkpoint), checkpoint. The checkpoint is signed by the same key under the
 * origin's name, as its readers expect.
 */
#ifndef IOV_REGISTRY_HEAD_H
#define IOV_REGISTRY_HEAD_H

#include "registry/listing.h"
#include "registry/merkle.h"
#include "registry/root.h"

#define IOV_HEAD_PATH "head.note"
#define IOV_CHECKPOINT_PATH "checkpoint"
#define IOV_HEAD_MAX (64u << 10) /* bytes; a head with one signature has 600 */
#define IOV_HEAD_DAYS 90	 /* validity by default: how long a held-back release can go unnoticed */
#define IOV_HEAD_DAYS_MAX 3650
#define IOV_CLOCK_SKEW                                                                                                 \
	86400 /* seconds that a host's clock may be behind the registry's: a wrong time zone is no attack */

struct iov_head {
	uint64_t version;	     /* rises with every publish and refresh */
	uint64_t root;		     /* the root in force */
	int64_t issued, expires;     /* seconds since 1970 */
	char manifest[IOV_HEX_SIZE]; /* of manifest/top */
	uint64_t manifest_size;
	uint64_t log_size;
	struct iov_hash log_root;
};

/* Both make a note by one signer; the head is checked against the root before it is given out, so that no head leaves
 * that clients refuse. */
int iov_head_make(struct iov_ctx *ctx, const struct iov_head *head, const struct iov_root *root,
		  const struct iov_signer *signer, struct iov_buf *ret_note);
int iov_checkpoint_make(struct iov_ctx *ctx, const struct iov_head *head, const struct iov_root *root,
			const struct iov_signer *signer, struct iov_buf *ret_note);

/* Takes a head note apart: signed by the root's registry role, for its origin and version. `name` is the registry's,
 * for errors. */
int iov_head_parse(struct iov_ctx *ctx, const char *name, const char *data, size_t len, const struct iov_root *root,
		   struct iov_head *ret);
/* What a head that nothing vouches for yet says of itself: only to know what to ask for. */
struct iov_head_claim {
	uint64_t root;
	struct iov_listed manifest; /* without a name */
};
int iov_head_peek(struct iov_ctx *ctx, const char *name, const char *data, size_t len, struct iov_head_claim *ret);
/* That the checkpoint tells of the same log as the head. */
int iov_checkpoint_check(struct iov_ctx *ctx, const char *name, const char *data, size_t len,
			 const struct iov_root *root, const struct iov_head *head);

/* Freeze: not expired, by a clock that is not behind the time that the head was issued at. */
int iov_head_check_fresh(struct iov_ctx *ctx, const char *name, const struct iov_head *head, int64_t now);
/* Rollback, fork and a time that goes back, as far as the two heads alone tell; whether the log grew from the one to
 * the other is for log.h. */
int iov_head_check_after(struct iov_ctx *ctx, const char *name, const struct iov_head *seen,
			 const struct iov_head *head);

/* The log's public key: the registry key under the origin's name. */
int iov_log_verifier(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_verifier *key,
		     struct iov_verifier *ret);

#endif
