/*
 * What the load of one object needs of the kernel's BTF: the part that its relocations look at (engine/btf_cut.h), and
 * the ids of the types that its programs attach to (engine/btf_targets.h). Kept at
 * <cache>/btf/<kernel>/<sha256 of the object>:
 *   iovbtf2 SHA256    of all that follows
 *   missing 0         1: the kernel lacks a type that the object knows; one of its modules may have it
 *   NAME ID           a line for each type to attach to; id 0: the kernel has none of that name
 *                     an empty line, then the part; nothing where the object needs none
 * An entry that is damaged, for another kernel, or lacks a name that is asked for, is as good as none.
 */
#ifndef IOV_ENGINE_BTF_CACHE_H
#define IOV_ENGINE_BTF_CACHE_H

#include "engine/btf_targets.h"

/* A file in memory with the BTF for libbpf's btf_custom_path; -1: the kernel's own is needed, or none. Fills in the ids
 * of `targets` that the kernel has. Never fails: it only makes loads faster. */
int iov_btf_cache_open(struct iov_ctx *ctx, const char *object, struct iov_btf_targets *targets);

#endif
