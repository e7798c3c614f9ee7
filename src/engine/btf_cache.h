/*
 * Cut-down kernel BTF (engine/btf_cut.h), kept at <cache>/btf/<kernel>/<sha256 of the object>: a line "iovbtf1 MISSING
 * SHA256", then the BTF that it is the digest of. A file that is damaged, or for another kernel, is as good as none.
 */
#ifndef IOV_ENGINE_BTF_CACHE_H
#define IOV_ENGINE_BTF_CACHE_H

#include "core/digest.h"

/* A file in memory with the BTF for libbpf's btf_custom_path, -1: the kernel's own is needed, or none. Never fails: it
 * only makes loads faster. */
int iov_btf_cache_open(struct iov_ctx *ctx, const char *object);
/* Names the running kernel, by its build id and version; false: it does not tell. */
bool iov_btf_cache_kernel(char ret[IOV_HEX_SIZE]);

#endif
