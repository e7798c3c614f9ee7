/*
 * What the CO-RE relocations of an object look at in the kernel's BTF: types by name (libbpf's candidates), and in
 * them members by name. Nothing is asked of the kernel here.
 */
#ifndef IOV_ENGINE_BTF_NEEDS_H
#define IOV_ENGINE_BTF_NEEDS_H

#include "core/ctx.h"

struct btf;
struct btf_ext;

/* A type of the object that relocations refer to. Its name is borrowed from the object's BTF. */
struct iov_btf_root {
	const char *name;
	size_t len;    /* without "___flavor" */
	uint16_t kind; /* libbpf takes no other; enums of 32 and 64 bits are one */
};

struct iov_btf_needs {
	struct btf *object;
	struct btf_ext *ext;
	struct iov_btf_root *roots;
	size_t n_roots;
	const char **members; /* that relocations go through, in whichever type */
	size_t n_members;
	bool whole; /* a relocation of a kind that a part of the BTF does not serve */
};

/* A file that makes no sense needs nothing: it is left to libbpf's own words. */
int iov_btf_needs_read(struct iov_ctx *ctx, const char *object, struct iov_btf_needs *ret);
void iov_btf_needs_release(struct iov_btf_needs *needs);

/* Is this name a candidate for the root? "task_struct___old" is a flavor of task_struct. */
bool iov_btf_is_namesake(const struct iov_btf_root *root, const char *name, uint16_t kind);
bool iov_btf_goes_through(const struct iov_btf_needs *needs, const char *member);

#endif
