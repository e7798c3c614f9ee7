#include <bpf/btf.h>
#include <string.h>

#include "check/kinds.h"
#include "check/trial.h"
#include "util/cleanup.h"

/* The function that the tag of type `id` says to be for programs (Linux 6.9 with pahole 1.26); 0: it is no such tag. */
static uint32_t tagged(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	if (!btf_is_decl_tag(type) || strcmp(btf__name_by_offset(btf, type->name_off), "bpf_kfunc") != 0)
		return 0;
	return btf_is_func(btf__type_by_id(btf, type->type)) ? type->type : 0;
}

/* The verifier names what it refuses to call; what it says once it has come to the call, is of the arguments. */
enum iov_answer iov_trial_kfunc(struct iov_trial *trial, uint32_t id)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_KFUNC_CALL, .imm = (int32_t)id},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	if (!iov_trial_load(trial, insns, IOV_COUNT(insns)))
		return IOV_ANSWER_YES;
	if (strstr(trial->log, "is not allowed") || strstr(trial->log, "must be sleepable"))
		return IOV_ANSWER_NO;
	return strstr(trial->log, "(85) call") ? IOV_ANSWER_YES : IOV_ANSWER_UNCLEAR;
}

uint32_t *iov_trial_find_kfuncs(const struct btf *btf, const struct iov_object *object, size_t *ret_count)
{
	uint32_t count = btf ? btf__type_cnt(btf) : 0, *ids = NULL;
	*ret_count = 0;
	if (object && !iov_asks_any(object, "kfunc"))
		return NULL;
	for (uint32_t i = 1; i < count; i++) {
		uint32_t id = tagged(btf, i);
		if (id && !ids && !(ids = calloc(count, sizeof(*ids))))
			return NULL;
		if (id &&
		    (!object || iov_asks_kfunc(object, btf__name_by_offset(btf, btf__type_by_id(btf, id)->name_off))))
			ids[(*ret_count)++] = id;
	}
	return ids;
}
