/*
 * Programs that attach to a type of the kernel's BTF: an event (tp_btf), a function (fentry, fexit, fmod_ret) or an
 * iterator. The kernel wants the type's id. libbpf reads the kernel's 5 MB of BTF to find it, at each load; where the
 * cache (engine/btf_cache.h) knows the ids, it gets them from here instead.
 */
#ifndef IOV_ENGINE_BTF_TARGETS_H
#define IOV_ENGINE_BTF_TARGETS_H

#include "core/release.h"

struct bpf_program;

struct iov_btf_target {
	char *program;
	char *name;	/* of the type: "btf_trace_sched_switch", "tcp_connect" */
	unsigned group; /* of `choose`, in which the program stands; 0: none */
	uint32_t id;	/* of the type in the kernel's own BTF; 0: not known, or it is a module's */
};

struct iov_btf_targets {
	struct iov_btf_target *items;
	size_t count;
	int *handlers; /* libbpf's ids of what iov_btf_targets_serve() registered */
	size_t n_handlers;
};

/* What the programs of a release attach to, with ids still to be found. `params` of the instance; NULL: what depends on
 * them is left out. */
int iov_btf_targets_of(struct iov_ctx *ctx, const struct iov_release *release, const json_t *params,
		       struct iov_btf_targets *ret);
void iov_btf_targets_release(struct iov_btf_targets *targets);

/* BTF_KIND_… of the type of that name. */
uint32_t iov_btf_target_kind(const char *name);

/*
 * From here on until the targets are released, libbpf takes the ids of programs that it opens from them. It keeps such
 * handlers for the whole process, so other threads that load wait. Nothing happens when the id of a program that runs
 * in this group is not known: libbpf then finds all of them itself.
 */
int iov_btf_targets_serve(struct iov_ctx *ctx, struct iov_btf_targets *targets, unsigned group);
/* Will this program get its id from them? */
bool iov_btf_targets_serves(const struct iov_btf_targets *targets, const struct bpf_program *program);

#endif
