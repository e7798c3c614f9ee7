/* Index files: one JSON line a release (core/release.h), in the order of publishing. Reading checks what only keys can
 * tell. */
#ifndef IOV_REGISTRY_INDEX_H
#define IOV_REGISTRY_INDEX_H

#include "core/release.h"
#include "registry/head.h"
#include "registry/listing.h"

struct iov_index {
	struct iov_release **releases; /* newest version first; owned */
	size_t count;
	struct iov_release **stolen; /* passed over: signed by a key that no longer counted; owned */
	size_t n_stolen;
};

/* `registry` is the name for errors and for release->registry. Every line must be of `name`, logged below the head's
 * log size, and signed by the publishers that the root allows, or allowed then, for the name. A line of a newer schema
 * is passed over with a warning, and so is one by a key that was stolen. */
int iov_index_parse(struct iov_ctx *ctx, const char *registry, const struct iov_root *root, const struct iov_head *head,
		    const char *name, const char *text, size_t len, struct iov_index *ret);
void iov_index_release(struct iov_index *index);
/* Who signed a release, by the root's publishers for its name: a new array of key names, or IOV_E_UNTRUSTED. */
int iov_index_check_signatures(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
			       const struct iov_release *release, json_t **ret_names);

#endif
