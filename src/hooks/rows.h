/* The plugins, one a file; hooks/table.c puts them in order. */
#ifndef IOV_HOOKS_ROWS_H
#define IOV_HOOKS_ROWS_H

#include "hooks/hook.h"

extern const struct iov_hook iov_hook_xdp, iov_hook_tcx, iov_hook_clsact, iov_hook_tracepoint, iov_hook_raw_tp;
extern const struct iov_hook iov_hook_cgroup, iov_hook_lsm_cgroup, iov_hook_sk_lookup, iov_hook_flow_dissector,
	iov_hook_netfilter;
extern const struct iov_hook iov_hook_uprobe, iov_hook_uprobe_s, iov_hook_kprobe;
extern const struct iov_hook iov_hook_tp_btf, iov_hook_fentry, iov_hook_fentry_s, iov_hook_lsm, iov_hook_lsm_s;

#endif
