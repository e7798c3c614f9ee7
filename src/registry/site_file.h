/* Single files of a site (site.h): each appears with a rename, whole. Nothing is synced, which is done once for all. */
#ifndef IOV_REGISTRY_SITE_FILE_H
#define IOV_REGISTRY_SITE_FILE_H

#include "core/ctx.h"
#include "util/buf.h"

int iov_site_put(struct iov_ctx *ctx, const char *folder, const char *name, const struct iov_buf *text);
/* head.note, and this one is synced. A web server tells files apart by their size and the second in which they were
 * written, so two heads of one second would pass for one: the later one gets the next second. */
int iov_site_put_head(struct iov_ctx *ctx, const char *folder, const struct iov_buf *text);
/* The archive in a commit of `repo`, where it is not there yet. */
int iov_site_put_archive(struct iov_ctx *ctx, const char *folder, const char *repo, const char *commit,
			 const char *sha256, bool *ret_new);

#endif
