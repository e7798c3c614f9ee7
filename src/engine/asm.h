/*
 * eBPF instructions in the making: appended one by one, with labels for jumps. Failure (no memory, a jump too far) is
 * remembered, and told by iov_asm_end(). Registers are those of the kernel's linux/bpf.h.
 */
#ifndef IOV_ENGINE_ASM_H
#define IOV_ENGINE_ASM_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOV_ASM_LABELS 4096

struct iov_asm {
	struct bpf_insn *insns;
	size_t count, cap;
	int32_t places[IOV_ASM_LABELS]; /* of labels; -1: not yet */
	int n_labels;
	bool failed;
};

int iov_asm_label(struct iov_asm *code);
void iov_asm_place(struct iov_asm *code, int label);
/* Resolves jumps and callbacks, whose label stands in their immediate value until then. False: it failed. */
bool iov_asm_end(struct iov_asm *code);
void iov_asm_release(struct iov_asm *code);

void iov_asm_add(struct iov_asm *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm);

/* dst = imm, dst = src, dst op= imm, dst op= src: 64 bits wide; `op` is BPF_ADD and the like. */
void iov_asm_set(struct iov_asm *code, uint8_t dst, int32_t imm);
void iov_asm_copy(struct iov_asm *code, uint8_t dst, uint8_t src);
void iov_asm_alu(struct iov_asm *code, uint8_t op, uint8_t dst, int32_t imm);
void iov_asm_alu_reg(struct iov_asm *code, uint8_t op, uint8_t dst, uint8_t src);
/* `size` is 1, 2, 4 or 8 bytes. */
void iov_asm_load(struct iov_asm *code, unsigned size, uint8_t dst, uint8_t src, uint32_t off);
void iov_asm_store(struct iov_asm *code, unsigned size, uint8_t dst, uint32_t off, uint8_t src);
/* *(dst + off) += src; or: where it equals r0, it becomes src. `size` is 4 or 8. */
void iov_asm_atomic_add(struct iov_asm *code, unsigned size, uint8_t dst, uint32_t off, uint8_t src);
void iov_asm_exchange(struct iov_asm *code, unsigned size, uint8_t dst, uint32_t off, uint8_t src);
/* Jumps: `op` is BPF_JEQ and the like. */
void iov_asm_goto(struct iov_asm *code, int label);
void iov_asm_if(struct iov_asm *code, uint8_t op, uint8_t dst, int32_t imm, int label);
void iov_asm_if_reg(struct iov_asm *code, uint8_t op, uint8_t dst, uint8_t src, int label);
void iov_asm_call(struct iov_asm *code, int32_t helper);
void iov_asm_exit(struct iov_asm *code);
/* dst = a map; the address of a byte of a one-element array's value; a callback. */
void iov_asm_map(struct iov_asm *code, uint8_t dst, int fd);
void iov_asm_value(struct iov_asm *code, uint8_t dst, int fd, uint32_t off);
void iov_asm_callback(struct iov_asm *code, uint8_t dst, int label);
void iov_asm_number(struct iov_asm *code, uint8_t dst, uint64_t value);

/* Runs of bytes: uses r1 to r5. */
void iov_asm_copy_bytes(struct iov_asm *code, uint8_t dst, uint32_t to, uint8_t src, uint32_t from, uint32_t len);
void iov_asm_if_bytes_differ(struct iov_asm *code, uint8_t a, uint32_t at_a, uint8_t b, uint32_t at_b, uint32_t len,
			     int label);

#endif
