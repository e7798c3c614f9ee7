/* Where functions of programs and libraries are, for probes in user space. */
#ifndef IOV_HOOKS_SYMBOLS_H
#define IOV_HOOKS_SYMBOLS_H

#include "core/ctx.h"

/* The whole path of "/usr/bin/bash", "bash" or "libc.so.6"; owned. IOV_E_NOT_FOUND tells where it was looked for. */
int iov_symbols_binary(struct iov_ctx *ctx, const char *name, char **ret);
/* The offset in the file of a function of it. IOV_E_NOT_FOUND suggests a near name. */
int iov_symbols_offset(struct iov_ctx *ctx, const char *path, const char *function, uint64_t *ret);

#endif
