/*
 * What this host remembers of the index files that it has read, so that a registry cannot tell it another story later:
 * <state>/registries/<name>/seen.json,
 *
 *   {"modules":{"flow-top":{"index":SHA256,"releases":{"1.0.0":[RECORD, LOG, YANKED, YANK_LOG,
 * DEPRECATE_LOG]}}},"schema":1}
 *
 * with the digest of the record that the publisher signed, and the entries of the log that spoke of the release last.
 * Only modules whose index file this host has read are there. The file is replaced as a whole, and never before the
 * head that it belongs to: what it says is always at most as new.
 */
#ifndef IOV_REGISTRY_SEEN_H
#define IOV_REGISTRY_SEEN_H

#include "registry/trust.h"

#define IOV_SEEN_MODULES_MAX 4096 /* beyond that, modules read later are not remembered */

struct iov_seen {
	json_t *modules; /* owned; NULL: not opened */
	bool changed;
	uint64_t known; /* entries of the log that what is on disk may speak of; a root may take later ones back */
};

int iov_seen_open(struct iov_ctx *ctx, const char *folder, struct iov_seen *ret);
void iov_seen_release(struct iov_seen *seen);
/* Remembers an index file that was checked against the head; one that is known already costs nothing. */
int iov_seen_note(struct iov_ctx *ctx, struct iov_seen *seen, const char *name, const char *text, size_t len);
/* Writes it where it changed. What others wrote meanwhile is kept; the caller holds the lock of the folder. */
int iov_seen_store(struct iov_ctx *ctx, const char *folder, struct iov_seen *seen);
/* The same under the lock. A host that may not write there does without. */
int iov_seen_save(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_seen *seen);

/* A state that is offered in place of the trusted one; all borrowed. */
struct iov_seen_offer {
	const char *registry; /* its name, for errors */
	const struct iov_source *source;
	struct iov_root *const
		*roots; /* the last is in force; what was said may have been by a key of an earlier one */
	size_t n_roots;
	const struct iov_head *head;
	const char *top; /* manifest/top as the head names it */
	size_t top_len;
	uint64_t known; /* entries of the log that count: fewer than was seen where a new root resumes from there */
};
/* Compares every module in `seen` with what is offered, and then remembers that. Refused, with the attack by its name:
 * a release vanished, or was replaced under its version; a status that the log does not account for (yank undone). */
int iov_seen_check(struct iov_ctx *ctx, const struct iov_seen_offer *offer, struct iov_seen *seen);

#endif
