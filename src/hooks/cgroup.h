/* Targets that are a folder of the cgroup2 hierarchy: "system.slice/ssh.service", or its whole path. */
#ifndef IOV_HOOKS_CGROUP_H
#define IOV_HOOKS_CGROUP_H

#include "hooks/hook.h"

/* A descriptor of the site's cgroup. IOV_E_NOT_FOUND suggests a neighbour, IOV_E_INPUT says that it is another kind of
 * folder. */
int iov_cgroup_open(struct iov_ctx *ctx, const struct iov_site *site, int *ret);
/* Is the link's cgroup still there? */
bool iov_cgroup_alive(const struct bpf_link_info *info);

#endif
