/*
 * The root after this one: what changes, and in words what it changes. Every key that loses a say over names keeps it
 * for what the log has by then (`retired`), so that no release that was good becomes unreadable; only a key that is
 * known to have leaked loses it from an earlier place of the log on.
 */
#ifndef IOV_REGISTRY_ROOT_EDIT_H
#define IOV_REGISTRY_ROOT_EDIT_H

#include "registry/head.h"
#include "registry/root.h"

struct iov_keys {
	const struct iov_verifier *items; /* borrowed */
	size_t count;
};
/* A say over names that is given or taken; the key of a threshold is not looked at. */
struct iov_root_rule {
	const char *pattern; /* borrowed */
	struct iov_verifier key;
	size_t threshold;
};
struct iov_rules {
	const struct iov_root_rule *items; /* borrowed */
	size_t count;
};

struct iov_root_edit {
	struct iov_keys add_root, remove_root;
	size_t root_threshold;	  /* 0: as it is */
	struct iov_keys registry; /* in the place of the present ones; none: as they are */
	struct iov_rules allow, forbid, thresholds;
	const uint64_t *since;	       /* what the forbidden keys signed from this entry of the log on is refused */
	const struct iov_head *resume; /* the log goes on from here; NULL: from where it is */
	uint64_t log_size;	       /* of the log that goes on */
	int64_t expires;
};

/* The next root as a note without signatures. */
int iov_root_edit(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root_edit *edit,
		  struct iov_buf *ret_note);

/* Sentences that tell what `next` changes, or with `root` NULL all that it says: an array of strings. */
int iov_root_words(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root *next, json_t **ret);
/* All that a root says, as a document (docs/json.md). */
int iov_root_describe(struct iov_ctx *ctx, const struct iov_root *root, json_t **ret);

/* How the log tells of a root: "grant" and "revoke" where nothing changes but who may publish one pattern, which is
 * then borrowed from a root, with the ids of those keys (a new reference); else "root", and neither. */
struct iov_root_event {
	const char *kind, *pattern;
	json_t *keys; /* NULL with "root" */
};
int iov_root_compare(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root *next,
		     struct iov_root_event *ret);

bool iov_role_has(const struct iov_role *role, const struct iov_verifier *key); /* `role` may be NULL */

#endif
