/* What libbpf does not tell of an object. */
#ifndef IOV_CHECK_ELF_H
#define IOV_CHECK_ELF_H

#include "core/ctx.h"

/* The text of the "license" section, "" where there is none; owned by the caller. */
int iov_elf_license(struct iov_ctx *ctx, const char *path, char **ret);

#endif
