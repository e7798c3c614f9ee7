/*
 * The leaves of the log: canonical JSON, one event each. All have "kind", "time", and "manifest", the SHA-256 of
 * manifest/top after the event.
 *
 *   publish                               "archive", "name", "record", "version": digests of the archive and of the
 *                                         signed release record
 *   yank, unyank, deprecate, undeprecate  "statement" and "signatures": what was signed (statement.h)
 *   grant, revoke, root                   "root", "sha256": number and fingerprint of a new root; grant and revoke,
 *                                         where nothing but a publisher differs, also "pattern" and "keys"
 */
#ifndef IOV_REGISTRY_EVENT_H
#define IOV_REGISTRY_EVENT_H

#include "core/release.h"
#include "registry/root.h"
#include "registry/statement.h"

#define IOV_LEAF_MAX UINT16_MAX /* bytes of a leaf: tlog-tiles writes its length in 16 bits */

enum iov_leaf_class { IOV_LEAF_PUBLISH, IOV_LEAF_STATUS, IOV_LEAF_ROOT };

struct iov_leaf {
	json_t *json; /* owned; strings are borrowed from it */
	enum iov_leaf_class class;
	const char *kind, *manifest, *time;
	const char *name, *version, *archive, *record; /* IOV_LEAF_PUBLISH */
	struct iov_statement statement;		       /* IOV_LEAF_STATUS */
	uint64_t root;				       /* IOV_LEAF_ROOT */
	const char *sha256, *pattern;		       /* the pattern: NULL with kind "root" */
	json_t *keys;				       /* strings; borrowed; NULL with kind "root" */
};

/* A leaf as the log has it: anything but canonical JSON of a known kind is refused. `what` names it in errors. */
int iov_leaf_parse(struct iov_ctx *ctx, const char *what, const char *leaf, size_t len, struct iov_leaf *ret);
void iov_leaf_release(struct iov_leaf *event);

/* New leaves, owned by the caller. `manifest` is the SHA-256 of manifest/top with the event in it. */
int iov_event_publish(struct iov_ctx *ctx, const struct iov_release *release, const char *manifest, char **ret_leaf);
int iov_event_status(struct iov_ctx *ctx, const struct iov_statement *statement, const char *manifest, const char *time,
		     char **ret_leaf);

/* What `next` changes in `root`. */
int iov_event_root(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root *next, const char *manifest,
		   const char *time, char **ret_leaf);

/* The SHA-256 of what the publisher signed. */
int iov_event_record(struct iov_ctx *ctx, const struct iov_release *release, char ret[IOV_HEX_SIZE]);
/* That the leaf is the publish of this release. */
int iov_event_check(struct iov_ctx *ctx, const char *registry, const char *leaf, size_t len,
		    const struct iov_release *release);

#endif
