/* Roots as the commands about them need them: where they are read, and edits from words. */
#ifndef IOV_OPS_ROOT_H
#define IOV_OPS_ROOT_H

#include "registry/root_edit.h"
#include "registry/root_publish.h"

/* The folder of a repository on this host. Owned by the caller. */
int iov_root_place(struct iov_ctx *ctx, const char *path, char **ret);
/* The roots of a registry by its name here, or by the path of its repository. */
int iov_root_chain_of(struct iov_ctx *ctx, const char *registry, struct iov_root_chain *ret);
/* The next root of the repository at `place`, unsigned, and the one it follows; both may be NULL. */
int iov_root_next(struct iov_ctx *ctx, const char *place, const struct iov_root_changes *changes,
		  struct iov_buf *ret_note, struct iov_root **ret_now);
/* {"changes", "file", "signatures_needed", "version"} of a prepared root that was written to `file`. */
int iov_root_write(struct iov_ctx *ctx, const char *file, const struct iov_root *now, const struct iov_buf *note,
		   json_t **ret);

#endif
