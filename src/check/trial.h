/* Small programs that are loaded to see whether the running kernel takes them; for check/probe.h. */
#ifndef IOV_CHECK_TRIAL_H
#define IOV_CHECK_TRIAL_H

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/json.h"

#define IOV_TRIAL_LOG 4096 /* bytes; three instructions say less */
#define IOV_TRIAL_NO_ATTACH (-1)

struct btf;
struct iov_object;

/* What a program is loaded as. */
struct iov_trial_kind {
	enum bpf_prog_type type;
	int attach;
	const char *target; /* by its name in BTF; NULL: none */
	bool sleepable;
};

enum iov_answer { IOV_ANSWER_NO, IOV_ANSWER_YES, IOV_ANSWER_UNCLEAR };

struct iov_trial {
	const struct iov_trial_kind *kind;
	bool may_all; /* what is refused to this process, is refused to all */
	int target;   /* the type that it attaches to; 0: none */
	char log[IOV_TRIAL_LOG];
};

/* May this process load programs of every type? */
bool iov_trial_may_all(void);
/* Loads the program; 0, or -errno with what the verifier says in the log. */
int iov_trial_load(struct iov_trial *trial, const struct bpf_insn *insns, size_t count);
/* Does a program load that does nothing? */
enum iov_answer iov_trial_program(struct iov_trial *trial);

/* check/trial_kfuncs.c: the types of the functions that the kernel says programs may call, and of an object only those
 * that it asks for; owned by the caller. NULL: this kernel does not say, or the object asks for none. */
uint32_t *iov_trial_find_kfuncs(const struct btf *btf, const struct iov_object *object, size_t *ret_count);
/* May programs of this kind call it? */
enum iov_answer iov_trial_kfunc(struct iov_trial *trial, uint32_t id);
/* check/trial_rest.c: what is not of kinds of programs: "no_hooks", "sleepable_hooks", "variables", "config". */
int iov_trial_rest(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object, json_t *ret);

#endif
