/*
 * The part of the kernel's BTF that one object's CO-RE relocations look at. libbpf reads and searches the kernel's 5 MB
 * for every load (10 ms); given this part instead, it comes to the same instructions in a fraction of one.
 *
 * libbpf takes for candidates the types whose name is the local type's, up to a "___flavor", follows members by name
 * and through those without one, and looks at kinds, sizes, offsets and enumerators. So the part holds every type of
 * such a name, of their members those that a relocation may go through, and what these hold by value. What lies behind
 * a pointer matters to no relocation of the kinds that are allowed here, so pointers lead to void.
 */
#ifndef IOV_ENGINE_BTF_CUT_H
#define IOV_ENGINE_BTF_CUT_H

#include "engine/btf_needs.h"

/*
 * *ret is the caller's. *ret_missing: the kernel lacks a type. libbpf would then look for it in the BTF of modules,
 * which a part of vmlinux's says nothing of.
 */
int iov_btf_cut(struct iov_ctx *ctx, const struct iov_btf_needs *needs, const struct btf *kernel, struct btf **ret,
		bool *ret_missing);

#endif
