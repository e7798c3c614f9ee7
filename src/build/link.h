/* One object out of those that clang has made, through libbpf's linker, which also drops DWARF and what else a kernel
 * never reads. */
#ifndef IOV_BUILD_LINK_H
#define IOV_BUILD_LINK_H

#include "core/ctx.h"

/* `objects` are `count` paths, also when there is only one. IOV_E_BUILD with the linker's own words. */
int iov_link(struct iov_ctx *ctx, const char *const *objects, size_t count, const char *output);

#endif
