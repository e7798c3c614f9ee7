/* Putting a signed root in force: in the registry's repository on its host. */
#ifndef IOV_REGISTRY_ROOT_PUBLISH_H
#define IOV_REGISTRY_ROOT_PUBLISH_H

#include "registry/host.h"

/* Checks the root note against the registry at `path` and commits root/<N>.note, the event in the log and a new head,
 * signed by a key that the new root names for that. `back_to` is the commit that a resuming root goes on from; NULL
 * with any other. The same root again is success. *ret: {"again", "commit", "head", "kind", "origin", "version"}. */
int iov_root_publish_note(struct iov_ctx *ctx, const char *path, const struct iov_buf *note, const char *back_to,
			  const struct iov_signer *signer, json_t **ret);

/* The root notes of a repository's commit, from `first` to the last that is there, each good by the one before. The
 * array and the roots are the caller's. */
struct iov_root_chain {
	struct iov_root **roots;
	size_t count;
};
int iov_root_chain_read(struct iov_ctx *ctx, const struct iov_source *source, struct iov_root_chain *ret);
void iov_root_chain_release(struct iov_root_chain *chain);

#endif
