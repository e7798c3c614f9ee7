/*
 * Hooks whose links bpf_link_update() moves to another program in one step: xdp, tcx, cgroup and others. Between
 * upgrades the link runs the module's program itself; an upgrade of several hooks moves the link to an entry program
 * for its duration (hooks/entry.h).
 */
#ifndef IOV_HOOKS_LINK_H
#define IOV_HOOKS_LINK_H

#include "hooks/hook.h"

extern const struct iov_style iov_style_link;

#endif
