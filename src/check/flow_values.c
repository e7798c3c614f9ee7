#include "check/flow.h"

#include <string.h>

#include "util/cleanup.h"

#define REGISTERS 16 /* as many as an instruction can name; eBPF has 11 */

struct state {
	struct iov_flow_known registers[REGISTERS];
	bool seen;
};

struct walk {
	const struct iov_bytecode *code;
	const struct iov_bytecode_function *function;
	const struct iov_flow_guess *guess;
	struct state *states; /* before each instruction */
	uint32_t *queue;      /* a stack of instructions whose state has changed */
	bool *queued;
	uint32_t count;
};

static const struct iov_flow_known unknown;

static bool same(struct iov_flow_known a, struct iov_flow_known b)
{
	return a.value == b.value && (a.value != IOV_FLOW_NUMBER || a.number == b.number);
}

static struct iov_flow_known number(uint64_t value, bool narrow)
{
	return (struct iov_flow_known){.value = IOV_FLOW_NUMBER, .number = narrow ? (uint32_t)value : value};
}

/* ---- arithmetic ---- */

static bool shift_fits(uint64_t by, bool narrow)
{
	return by < (narrow ? 32 : 64);
}

/* False: what comes out is not followed. */
static bool calculate(uint8_t op, uint64_t a, uint64_t b, bool narrow, uint64_t *ret)
{
	const struct {
		uint8_t op;
		bool shift;
		uint64_t value;
	} results[] = {
		{BPF_ADD, false, a + b},
		{BPF_SUB, false, a - b},
		{BPF_MUL, false, a * b},
		{BPF_OR, false, a | b},
		{BPF_AND, false, a & b},
		{BPF_XOR, false, a ^ b},
		{BPF_LSH, true, a << (b & 63)},
		{BPF_RSH, true, (narrow ? (uint32_t)a : a) >> (b & 63)},
		{BPF_ARSH, true, (uint64_t)((narrow ? (int32_t)a : (int64_t)a) >> (b & 63))},
	};
	for (size_t i = 0; i < IOV_COUNT(results); i++) {
		if (results[i].op != op || (results[i].shift && !shift_fits(b, narrow)))
			continue;
		*ret = results[i].value;
		return true;
	}
	return false;
}

static struct iov_flow_known operand(const struct bpf_insn *insn, const struct iov_flow_known *registers)
{
	if (BPF_SRC(insn->code) == BPF_X)
		return registers[insn->src_reg];
	return number((uint64_t)(int64_t)insn->imm, false);
}

static struct iov_flow_known arithmetic(const struct bpf_insn *insn, const struct iov_flow_known *registers)
{
	bool narrow = BPF_CLASS(insn->code) == BPF_ALU;
	struct iov_flow_known left = registers[insn->dst_reg], right = operand(insn, registers);
	uint64_t result = 0;
	if (BPF_OP(insn->code) == BPF_MOV && !insn->off)
		return right.value == IOV_FLOW_NUMBER ? number(right.number, narrow) : narrow ? unknown : right;
	if (left.value != IOV_FLOW_NUMBER || right.value != IOV_FLOW_NUMBER || insn->off ||
	    !calculate(BPF_OP(insn->code), left.number, right.number, narrow, &result))
		return unknown;
	return number(result, narrow);
}

static void forget_scratch(struct iov_flow_known *registers)
{
	for (unsigned i = BPF_REG_0; i <= BPF_REG_5; i++)
		registers[i] = unknown;
}

static void execute(const struct walk *walk, uint32_t at, struct iov_flow_known *registers)
{
	uint32_t index = walk->function->first + at;
	const struct bpf_insn *insn = &walk->code->insns[index];
	bool guessed = walk->guess && walk->guess->needs[index] == walk->guess->need;
	uint8_t class = BPF_CLASS(insn->code);
	if (iov_insn_is_call(insn))
		forget_scratch(registers);
	else if (guessed && (class == BPF_LD || BPF_OP(insn->code) == BPF_MOV))
		registers[insn->dst_reg] = walk->guess->known;
	else if (walk->guess && walk->guess->needs[index] != IOV_BYTECODE_NONE)
		registers[insn->dst_reg] = unknown; /* the number is the kernel's */
	else if (class == BPF_ALU || class == BPF_ALU64)
		registers[insn->dst_reg] = arithmetic(insn, registers);
	else if (class == BPF_LD || class == BPF_LDX)
		registers[insn->dst_reg] = unknown;
	else if (class == BPF_STX && BPF_MODE(insn->code) == 0xc0) /* atomic, which may fetch */
		registers[insn->src_reg] = registers[BPF_REG_0] = unknown;
}

/* ---- conditions ---- */

static bool holds(uint8_t op, uint64_t a, uint64_t b, int64_t left, int64_t right)
{
	const struct {
		uint8_t op;
		bool holds;
	} conditions[] = {
		{BPF_JEQ, a == b},	  {BPF_JNE, a != b},	     {BPF_JGT, a > b},
		{BPF_JGE, a >= b},	  {BPF_JLT, a < b},	     {BPF_JLE, a <= b},
		{BPF_JSET, (a & b) != 0}, {BPF_JSGT, left > right},  {BPF_JSGE, left >= right},
		{BPF_JSLT, left < right}, {BPF_JSLE, left <= right},
	};
	for (size_t i = 0; i < IOV_COUNT(conditions); i++)
		if (conditions[i].op == op)
			return conditions[i].holds;
	return false;
}

/* Is the outcome of a condition known? 0 and 1, or -1. */
static int decided(const struct bpf_insn *insn, const struct iov_flow_known *registers)
{
	bool narrow = BPF_CLASS(insn->code) == BPF_JMP32;
	struct iov_flow_known a = registers[insn->dst_reg], b = operand(insn, registers);
	uint8_t op = BPF_OP(insn->code);
	if (op > BPF_JSLE || op == BPF_JA || op == BPF_CALL || op == BPF_EXIT)
		return -1;
	if (a.value == IOV_FLOW_NONZERO && b.value == IOV_FLOW_NUMBER && !b.number && !narrow &&
	    (op == BPF_JEQ || op == BPF_JNE))
		return op == BPF_JNE;
	if (a.value != IOV_FLOW_NUMBER || b.value != IOV_FLOW_NUMBER)
		return -1;
	if (narrow)
		return holds(op, (uint32_t)a.number, (uint32_t)b.number, (int32_t)a.number, (int32_t)b.number);
	return holds(op, a.number, b.number, (int64_t)a.number, (int64_t)b.number);
}

/* ---- the walk ---- */

static void arrive(struct walk *walk, uint32_t at, const struct iov_flow_known *registers)
{
	struct state *state = &walk->states[at];
	bool changed = !state->seen;
	for (unsigned i = 0; i < REGISTERS; i++) {
		if (!state->seen)
			state->registers[i] = registers[i];
		else if (!same(state->registers[i], registers[i]) && state->registers[i].value != IOV_FLOW_UNKNOWN) {
			state->registers[i] = unknown;
			changed = true;
		}
	}
	state->seen = true;
	if (!changed || walk->queued[at])
		return;
	walk->queued[at] = true;
	walk->queue[walk->count++] = at;
}

static void leave(struct walk *walk, uint32_t at)
{
	const struct bpf_insn *insn = &walk->code->insns[walk->function->first + at];
	struct iov_flow_known registers[REGISTERS];
	uint32_t next[2];
	memcpy(registers, walk->states[at].registers, sizeof(registers));
	unsigned count = iov_flow_next(walk->code, walk->function, at, next);
	uint8_t class = BPF_CLASS(insn->code);
	int outcome = count == 2 && (class == BPF_JMP || class == BPF_JMP32) ? decided(insn, registers) : -1;
	execute(walk, at, registers);
	for (unsigned i = 0; i < count; i++)
		if (outcome < 0 || (unsigned)outcome == i)
			arrive(walk, next[i], registers);
}

int iov_flow_reached(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct iov_bytecode_function *function,
		     const struct iov_flow_guess *guess, bool *ret)
{
	static const struct iov_flow_known start[REGISTERS];
	iov_auto(iov_free_ptr) struct state *states = calloc(function->count, sizeof(*states));
	iov_auto(iov_free_ptr) uint32_t *queue = calloc(function->count, sizeof(*queue));
	iov_auto(iov_free_ptr) bool *queued = calloc(function->count, sizeof(*queued));
	struct walk walk = {code, function, guess, states, queue, queued, 0};
	if (!states || !queue || !queued)
		return iov_oom(ctx);
	arrive(&walk, 0, start);
	while (walk.count) {
		uint32_t at = queue[--walk.count];
		queued[at] = false;
		leave(&walk, at);
	}
	for (uint32_t i = 0; i < function->count; i++)
		ret[i] = states[i].seen;
	return IOV_OK;
}
