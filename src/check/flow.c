#include "check/flow.h"

#include <string.h>

#include "util/cleanup.h"

#define UNSEEN UINT32_MAX

static bool is_jump(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;
}

/* Where a jump goes. A jump without condition of the class for 32 bits has its offset in the number. */
static int64_t jump_target(const struct bpf_insn *insn, uint32_t at)
{
	bool far = BPF_CLASS(insn->code) == BPF_JMP32 && BPF_OP(insn->code) == BPF_JA;
	return (int64_t)at + 1 + (far ? insn->imm : insn->off);
}

static unsigned add_next(const struct iov_bytecode_function *function, int64_t to, uint32_t *ret, unsigned count)
{
	if (to >= 0 && to < function->count)
		ret[count++] = (uint32_t)to;
	return count;
}

unsigned iov_flow_next(const struct iov_bytecode *code, const struct iov_bytecode_function *function, uint32_t at,
		       uint32_t ret[2])
{
	const struct bpf_insn *insn = &code->insns[function->first + at];
	unsigned count = 0;
	if (!is_jump(insn) || BPF_OP(insn->code) == BPF_CALL)
		return add_next(function, (int64_t)at + 1 + iov_insn_is_wide(insn), ret, 0);
	if (BPF_OP(insn->code) == BPF_EXIT)
		return 0;
	if (BPF_OP(insn->code) != BPF_JA)
		count = add_next(function, (int64_t)at + 1, ret, count);
	return add_next(function, jump_target(insn, at), ret, count);
}

/* ---- dominators of the end (Cooper, Harvey and Kennedy: A Simple, Fast Dominance Algorithm) ---- */

struct dominators {
	const struct iov_bytecode *code;
	const struct iov_bytecode_function *function;
	uint32_t end;	  /* where all exits lead: one past the last instruction */
	uint32_t *order;  /* reverse of the order in which a search leaves them */
	uint32_t *number; /* per instruction: its place in `order`, or UNSEEN */
	uint32_t *parent; /* per instruction: its nearest dominator, or UNSEEN */
	uint32_t count;
};

static unsigned next_or_end(const struct dominators *d, uint32_t at, uint32_t ret[2])
{
	unsigned count = at == d->end ? 0 : iov_flow_next(d->code, d->function, at, ret);
	if (!count && at != d->end)
		ret[count++] = d->end;
	return count;
}

/* Depth first. `stack` has room for every instruction; `branch` says how many ways on from it are done. */
static void find_order(struct dominators *d, uint32_t *stack, uint8_t *branch)
{
	uint32_t depth = 0, left = d->end + 1, next[2];
	stack[depth++] = 0;
	d->number[0] = 0;
	while (depth) {
		uint32_t at = stack[depth - 1];
		if (branch[at] < next_or_end(d, at, next)) {
			uint32_t to = next[branch[at]++];
			if (d->number[to] != UNSEEN)
				continue;
			d->number[to] = 0;
			stack[depth++] = to;
			continue;
		}
		depth--;
		d->order[--left] = at;
	}
	d->count = d->end + 1 - left;
	memmove(d->order, d->order + left, d->count * sizeof(*d->order));
	for (uint32_t i = 0; i < d->count; i++)
		d->number[d->order[i]] = i;
}

static uint32_t common(const struct dominators *d, uint32_t a, uint32_t b)
{
	while (a != b) {
		while (d->number[a] > d->number[b])
			a = d->parent[a];
		while (d->number[b] > d->number[a])
			b = d->parent[b];
	}
	return a;
}

/* Hands what dominates `at` on to where it leads. */
static bool pass_on(struct dominators *d, uint32_t at)
{
	uint32_t next[2];
	bool changed = false;
	unsigned count = next_or_end(d, at, next);
	for (unsigned i = 0; i < count; i++) {
		if (!next[i])
			continue;
		uint32_t *parent = &d->parent[next[i]];
		uint32_t now = *parent == UNSEEN ? at : common(d, *parent, at);
		changed |= now != *parent;
		*parent = now;
	}
	return changed;
}

static void find_parents(struct dominators *d)
{
	bool changed = true;
	d->parent[0] = 0;
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < d->count; i++)
			if (d->parent[d->order[i]] != UNSEEN)
				changed |= pass_on(d, d->order[i]);
	}
}

int iov_flow_certain(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct iov_bytecode_function *function,
		     bool *ret)
{
	size_t size = (size_t)function->count + 1;
	iov_auto(iov_free_ptr) uint32_t *numbers = malloc(4 * size * sizeof(*numbers));
	iov_auto(iov_free_ptr) uint8_t *branch = calloc(size, 1);
	if (!numbers || !branch)
		return iov_oom(ctx);
	memset(numbers, 0xff, 4 * size * sizeof(*numbers));
	struct dominators d = {
		.code = code,
		.function = function,
		.end = function->count,
		.order = numbers,
		.number = numbers + size,
		.parent = numbers + 2 * size,
	};
	find_order(&d, numbers + 3 * size, branch);
	find_parents(&d);
	memset(ret, 0, function->count);
	for (uint32_t at = d.parent[d.end]; at != UNSEEN; at = at ? d.parent[at] : UNSEEN)
		ret[at] = true;
	return IOV_OK;
}
