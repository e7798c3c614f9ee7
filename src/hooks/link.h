/*
 * What the hooks share whose links bpf_link_update() can move to another program in one step: xdp and tcx today. The
 * link is pinned at links/<program>.
 */
#ifndef IOV_HOOKS_LINK_H
#define IOV_HOOKS_LINK_H

#include "hooks/hook.h"

int iov_link_adopt(struct iov_ctx *ctx, const struct iov_site *site, const char *from_dir, const char *to_dir);
/* `attach` is the hook's own: a link that is gone, or whose interface is, is made anew. */
int iov_link_swap(struct iov_ctx *ctx, const struct iov_site *site, const char *dir,
		  int (*attach)(struct iov_ctx *, const struct iov_site *, const char *));
int iov_link_detach(struct iov_ctx *ctx, const struct iov_site *site, const char *dir);
int iov_link_running(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_running *ret);

#endif
