/*
 * A registry as a folder of static files, for a web server: the tree of branch main, and the archives at
 * "packages/<ab>/<sha256>". Written so that a reader never meets a state that is half there: archives and hash-named
 * files first, head.note last, each by a rename, and what is gone is removed after that. Only what changed since the
 * last time is touched.
 *
 *   <folder>/.iovpkg/commit      the commit that the folder shows; the file is written last
 *   <folder>/.iovpkg/nginx.conf  a server for this folder, to be edited; written where there is none
 *   <folder>/.iovpkg/lock
 */
#ifndef IOV_REGISTRY_SITE_H
#define IOV_REGISTRY_SITE_H

#include "core/json.h"
#include "util/buf.h"

/* *ret: {"archives": how many are new, "commit", "folder", "head": its version, "nginx": the path of the file,
 * "removed", "written": files}. A new reference. */
int iov_site_write(struct iov_ctx *ctx, const char *repo, const char *folder, json_t **ret);

/* The text of the nginx file for a folder (an absolute path). */
int iov_site_nginx(struct iov_ctx *ctx, const char *folder, const char *origin, struct iov_buf *ret);

#endif
