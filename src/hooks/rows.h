/* The plugins, one a file; hooks/table.c puts them in order. */
#ifndef IOV_HOOKS_ROWS_H
#define IOV_HOOKS_ROWS_H

#include "hooks/hook.h"

extern const struct iov_hook iov_hook_xdp, iov_hook_tcx, iov_hook_clsact, iov_hook_tracepoint, iov_hook_raw_tp;

#endif
