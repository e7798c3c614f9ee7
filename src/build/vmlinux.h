/* The kernel's types as a C header, for sources that include "vmlinux.h". */
#ifndef IOV_BUILD_VMLINUX_H
#define IOV_BUILD_VMLINUX_H

#include "core/ctx.h"

/*
 * The path of vmlinux.h for the running kernel: kept in <cache>/vmlinux/<digest>.h, or, where this user may not write
 * there, made in `scratch`. Owned by the caller. IOV_E_UNSUPPORTED where the kernel has no BTF.
 */
int iov_vmlinux_header(struct iov_ctx *ctx, const char *scratch, char **ret);
/* The name that the running kernel's header has below <cache>/vmlinux. Owned by the caller. */
int iov_vmlinux_cached(struct iov_ctx *ctx, char **ret);

#endif
