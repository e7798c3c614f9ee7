/*
 * Do the programs of an object look at XDP metadata? Then an upgrade must not use it to carry the generation
 * (hooks/entry.h). The answer may be yes where it is no, never the other way around: every register that holds the
 * context somewhere in a program counts as holding it everywhere.
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "engine/loading.h"

struct scan {
	const struct bpf_insn *insns;
	size_t count;
	int offset;	   /* of data_meta in the context */
	unsigned contexts; /* registers that may hold it, a bit each */
	bool spilled;	   /* it may be on the stack */
};

static unsigned bit(unsigned reg)
{
	return 1u << reg;
}

static bool is_load(const struct bpf_insn *insn, uint8_t size)
{
	return insn->code == (BPF_LDX | BPF_MEM | size);
}

/* One walk; true when it found another place for the context. */
static bool spread(struct scan *scan)
{
	unsigned before = scan->contexts;
	bool spilled_before = scan->spilled;
	for (size_t i = 0; i < scan->count; i++) {
		const struct bpf_insn *insn = &scan->insns[i];
		bool from_context = scan->contexts & bit(insn->src_reg);
		if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && from_context)
			scan->contexts |= bit(insn->dst_reg);
		if (insn->code == (BPF_STX | BPF_MEM | BPF_DW) && from_context)
			scan->spilled = true;
		if (is_load(insn, BPF_DW) && insn->src_reg == BPF_REG_10 && scan->spilled)
			scan->contexts |= bit(insn->dst_reg);
	}
	return scan->contexts != before || scan->spilled != spilled_before;
}

static bool is_call(const struct bpf_insn *insn, int helper)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && insn->imm == helper;
}

static bool looks(const struct scan *scan)
{
	for (size_t i = 0; i < scan->count; i++) {
		const struct bpf_insn *insn = &scan->insns[i];
		if (is_call(insn, BPF_FUNC_xdp_adjust_meta))
			return true;
		if (is_load(insn, BPF_W) && insn->off == scan->offset && (scan->contexts & bit(insn->src_reg)))
			return true;
	}
	return false;
}

static bool uses_metadata(const struct bpf_program *program)
{
	struct scan scan = {.insns = bpf_program__insns(program),
			    .count = bpf_program__insn_cnt(program),
			    .contexts = bit(BPF_REG_1)};
	switch (bpf_program__type(program)) {
	case BPF_PROG_TYPE_XDP:
		scan.offset = offsetof(struct xdp_md, data_meta);
		break;
	case BPF_PROG_TYPE_SCHED_CLS:
		scan.offset = offsetof(struct __sk_buff, data_meta);
		break;
	default:
		return false;
	}
	while (spread(&scan))
		;
	return looks(&scan);
}

bool iov_loading_uses_metadata(const struct iov_loading *loading)
{
	struct bpf_program *program;
	bpf_object__for_each_program(program, loading->object) {
		if (bpf_program__autoload(program) && uses_metadata(program))
			return true;
	}
	return false;
}
