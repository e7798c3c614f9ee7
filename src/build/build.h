/*
 * Source to object: clang inside bubblewrap (no network, read-only root, limits on time, memory and output), then one
 * object a module through libbpf's linker. IOV_E_BUILD carries the compiler's first errors, with paths as the author
 * knows them.
 */
#ifndef IOV_BUILD_BUILD_H
#define IOV_BUILD_BUILD_H

#include "core/manifest.h"
#include "core/digest.h"

#define IOV_BUILD_SECONDS 120	       /* CPU time of one compiler run; the slowest public BPF program takes 4 s */
#define IOV_BUILD_MEMORY (2ull << 30)  /* address space of one compiler run, bytes */
#define IOV_BUILD_OUTPUT (32ull << 20) /* one file it writes, bytes */

/* What an object depends on beside its sources: machine, clang's version and our flags. Hex digest. */
int iov_build_toolchain(struct iov_ctx *ctx, char ret[IOV_HEX_SIZE]);
/* Compiles the sources of the module in `dir` into the object at `output` (written whole or not at all). */
int iov_build_module(struct iov_ctx *ctx, const char *dir, const struct iov_manifest *manifest, const char *output);

#endif
