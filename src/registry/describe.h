/* registry.yaml: what a registry says of itself to people and tools, unsigned. */
#ifndef IOV_REGISTRY_DESCRIBE_H
#define IOV_REGISTRY_DESCRIBE_H

#include "registry/root.h"

#define IOV_DESCRIPTION_PATH "registry.yaml"
#define IOV_DESCRIPTION_MAX (64u << 10) /* bytes */

int iov_description_make(struct iov_ctx *ctx, const struct iov_root *root, struct iov_buf *ret);
/* The same text with the key that the root names for the log, all else as the registry's owner has it. */
int iov_description_renew(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_buf *text,
			  struct iov_buf *ret);
/* Where archives are: refs of the repository, and files "packages/<ab>/<sha256>" of its static tree. */
#define IOV_PACKAGES_GIT "git"
#define IOV_PACKAGES_HASH "{sha256}"
#define IOV_PACKAGES_MAX 2000 /* bytes of a URL template */

/* That this iovpkg can read the registry: schema and origin. `name` is the registry's, for errors. *ret_packages says
 * where its archives are: "git", or https URLs with "{sha256}" in them, a space between two; owned by the caller. */
int iov_description_check(struct iov_ctx *ctx, const char *name, const struct iov_buf *text,
			  const struct iov_root *root, char **ret_packages);

#endif
