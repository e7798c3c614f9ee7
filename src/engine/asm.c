#include "engine/asm.h"

#include <stdlib.h>
#include <string.h>

#define UNROLLED 128u /* bytes; longer runs are loops */

void iov_asm_add(struct iov_asm *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	if (code->count == code->cap) {
		size_t cap = code->cap ? 2 * code->cap : 256;
		struct bpf_insn *more = realloc(code->insns, cap * sizeof(*more));
		if (!more) {
			code->failed = true;
			return;
		}
		code->insns = more;
		code->cap = cap;
	}
	code->insns[code->count++] =
		(struct bpf_insn){.code = op, .dst_reg = dst & 0xf, .src_reg = src & 0xf, .off = off, .imm = imm};
}

void iov_asm_release(struct iov_asm *code)
{
	free(code->insns);
}

/* ---- labels ---- */

int iov_asm_label(struct iov_asm *code)
{
	if (code->n_labels == IOV_ASM_LABELS) {
		code->failed = true;
		return 0;
	}
	code->places[code->n_labels] = -1;
	return code->n_labels++;
}

void iov_asm_place(struct iov_asm *code, int label)
{
	code->places[label] = (int32_t)code->count;
}

static bool is_jump(const struct bpf_insn *insn)
{
	uint8_t op = BPF_OP(insn->code);
	return BPF_CLASS(insn->code) == BPF_JMP && op != BPF_CALL && op != BPF_EXIT;
}

static bool is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* A jump has its label in `off`, which is 16 bits wide like the distance that it becomes. */
static void resolve(struct iov_asm *code, size_t at)
{
	struct bpf_insn *insn = &code->insns[at];
	if (is_jump(insn)) {
		int32_t distance = code->places[insn->off] - (int32_t)at - 1;
		if (code->places[insn->off] < 0 || distance > INT16_MAX || distance < INT16_MIN)
			code->failed = true;
		insn->off = (int16_t)distance;
	} else if (is_wide(insn) && insn->src_reg == BPF_PSEUDO_FUNC) {
		insn->imm = code->places[insn->imm] - (int32_t)at - 1;
	}
}

bool iov_asm_end(struct iov_asm *code)
{
	for (size_t i = 0; !code->failed && i < code->count; i++) {
		bool wide = is_wide(&code->insns[i]);
		resolve(code, i);
		i += wide; /* its second half is no instruction */
	}
	return !code->failed;
}

/* ---- one instruction each ---- */

void iov_asm_set(struct iov_asm *code, uint8_t dst, int32_t imm)
{
	iov_asm_add(code, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

void iov_asm_copy(struct iov_asm *code, uint8_t dst, uint8_t src)
{
	if (dst != src)
		iov_asm_add(code, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void iov_asm_alu(struct iov_asm *code, uint8_t op, uint8_t dst, int32_t imm)
{
	iov_asm_add(code, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

void iov_asm_alu_reg(struct iov_asm *code, uint8_t op, uint8_t dst, uint8_t src)
{
	iov_asm_add(code, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

static uint8_t size_bits(unsigned size)
{
	return size == 8 ? BPF_DW : size == 4 ? BPF_W : size == 2 ? BPF_H : BPF_B;
}

/* What the 16 bits of an instruction's offset cannot reach is reached with a copy of the pointer; r5 is nobody's. */
static uint8_t near(struct iov_asm *code, uint8_t reg, uint32_t *off)
{
	if (*off <= INT16_MAX)
		return reg;
	iov_asm_copy(code, BPF_REG_5, reg);
	iov_asm_alu(code, BPF_ADD, BPF_REG_5, (int32_t)*off);
	*off = 0;
	return BPF_REG_5;
}

void iov_asm_load(struct iov_asm *code, unsigned size, uint8_t dst, uint8_t src, uint32_t off)
{
	src = near(code, src, &off);
	iov_asm_add(code, BPF_LDX | BPF_MEM | size_bits(size), dst, src, (int16_t)off, 0);
}

void iov_asm_store(struct iov_asm *code, unsigned size, uint8_t dst, uint32_t off, uint8_t src)
{
	dst = near(code, dst, &off);
	iov_asm_add(code, BPF_STX | BPF_MEM | size_bits(size), dst, src, (int16_t)off, 0);
}

void iov_asm_atomic_add(struct iov_asm *code, unsigned size, uint8_t dst, uint32_t off, uint8_t src)
{
	dst = near(code, dst, &off);
	iov_asm_add(code, BPF_STX | BPF_ATOMIC | size_bits(size), dst, src, (int16_t)off, BPF_ADD);
}

void iov_asm_exchange(struct iov_asm *code, unsigned size, uint8_t dst, uint32_t off, uint8_t src)
{
	dst = near(code, dst, &off);
	iov_asm_add(code, BPF_STX | BPF_ATOMIC | size_bits(size), dst, src, (int16_t)off, BPF_CMPXCHG);
}

void iov_asm_goto(struct iov_asm *code, int label)
{
	iov_asm_add(code, BPF_JMP | BPF_JA, 0, 0, (int16_t)label, 0);
}

void iov_asm_if(struct iov_asm *code, uint8_t op, uint8_t dst, int32_t imm, int label)
{
	iov_asm_add(code, BPF_JMP | op | BPF_K, dst, 0, (int16_t)label, imm);
}

void iov_asm_if_reg(struct iov_asm *code, uint8_t op, uint8_t dst, uint8_t src, int label)
{
	iov_asm_add(code, BPF_JMP | op | BPF_X, dst, src, (int16_t)label, 0);
}

void iov_asm_call(struct iov_asm *code, int32_t helper)
{
	iov_asm_add(code, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void iov_asm_exit(struct iov_asm *code)
{
	iov_asm_add(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void add_wide(struct iov_asm *code, uint8_t dst, uint8_t src, int32_t low, int32_t high)
{
	iov_asm_add(code, BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, low);
	iov_asm_add(code, 0, 0, 0, 0, high);
}

void iov_asm_map(struct iov_asm *code, uint8_t dst, int fd)
{
	add_wide(code, dst, BPF_PSEUDO_MAP_FD, fd, 0);
}

void iov_asm_value(struct iov_asm *code, uint8_t dst, int fd, uint32_t off)
{
	add_wide(code, dst, BPF_PSEUDO_MAP_VALUE, fd, (int32_t)off);
}

void iov_asm_callback(struct iov_asm *code, uint8_t dst, int label)
{
	add_wide(code, dst, BPF_PSEUDO_FUNC, label, 0);
}

void iov_asm_number(struct iov_asm *code, uint8_t dst, uint64_t value)
{
	add_wide(code, dst, 0, (int32_t)(uint32_t)value, (int32_t)(value >> 32));
}

/* ---- runs of bytes ---- */

static unsigned widest(uint32_t len)
{
	return len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
}

/* Two pointers walk in steps of eight, and `r3` counts; what is left over is less than eight. */
static int begin_loop(struct iov_asm *code, uint32_t len)
{
	int again = iov_asm_label(code);
	iov_asm_set(code, BPF_REG_3, (int32_t)(len / 8));
	iov_asm_place(code, again);
	return again;
}

static void end_loop(struct iov_asm *code, int again)
{
	iov_asm_alu(code, BPF_ADD, BPF_REG_1, 8);
	iov_asm_alu(code, BPF_ADD, BPF_REG_2, 8);
	iov_asm_alu(code, BPF_SUB, BPF_REG_3, 1);
	iov_asm_if(code, BPF_JNE, BPF_REG_3, 0, again);
}

static void point(struct iov_asm *code, uint8_t dst, uint8_t src, uint32_t off)
{
	iov_asm_copy(code, dst, src);
	iov_asm_alu(code, BPF_ADD, dst, (int32_t)off);
}

void iov_asm_copy_bytes(struct iov_asm *code, uint8_t dst, uint32_t to, uint8_t src, uint32_t from, uint32_t len)
{
	point(code, BPF_REG_1, dst, to);
	point(code, BPF_REG_2, src, from);
	if (len > UNROLLED) {
		int again = begin_loop(code, len);
		iov_asm_load(code, 8, BPF_REG_4, BPF_REG_2, 0);
		iov_asm_store(code, 8, BPF_REG_1, 0, BPF_REG_4);
		end_loop(code, again);
		len %= 8;
	}
	for (uint32_t at = 0; at < len; at += widest(len - at)) {
		iov_asm_load(code, widest(len - at), BPF_REG_4, BPF_REG_2, at);
		iov_asm_store(code, widest(len - at), BPF_REG_1, at, BPF_REG_4);
	}
}

void iov_asm_if_bytes_differ(struct iov_asm *code, uint8_t a, uint32_t at_a, uint8_t b, uint32_t at_b, uint32_t len,
			     int label)
{
	point(code, BPF_REG_1, a, at_a);
	point(code, BPF_REG_2, b, at_b);
	if (len > UNROLLED) {
		int again = begin_loop(code, len);
		iov_asm_load(code, 8, BPF_REG_4, BPF_REG_2, 0);
		iov_asm_load(code, 8, BPF_REG_5, BPF_REG_1, 0);
		iov_asm_if_reg(code, BPF_JNE, BPF_REG_4, BPF_REG_5, label);
		end_loop(code, again);
		len %= 8;
	}
	for (uint32_t at = 0; at < len; at += widest(len - at)) {
		iov_asm_load(code, widest(len - at), BPF_REG_4, BPF_REG_2, at);
		iov_asm_load(code, widest(len - at), BPF_REG_5, BPF_REG_1, at);
		iov_asm_if_reg(code, BPF_JNE, BPF_REG_4, BPF_REG_5, label);
	}
}
