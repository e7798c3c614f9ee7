/*
 * The instructions of an object as its file holds them, with what the linker left to be filled in: which function a
 * call goes to, and which names the kernel is asked for. All sections of code stand one after the other, so that one
 * number names an instruction.
 */
#ifndef IOV_CHECK_BYTECODE_H
#define IOV_CHECK_BYTECODE_H

#include <linux/bpf.h>

#include "core/ctx.h"

#define IOV_BYTECODE_MAX (4u << 20) /* instructions; what an object of 32 MiB can hold */
#define IOV_BYTECODE_NONE UINT32_MAX

struct iov_bytecode_function {
	char *name; /* owned */
	uint32_t first, count;
	bool global;
};

/* A name that the object does not define: the kernel's function, variable or configuration. */
struct iov_bytecode_extern {
	char *name; /* owned */
	bool weak;
};

struct iov_bytecode_section {
	char *name;   /* owned */
	uint32_t elf; /* its number in the file */
	uint32_t first, count;
};

struct iov_bytecode {
	struct bpf_insn *insns;
	uint32_t *functions_of; /* per instruction: the function that it calls or takes the address of, or NONE */
	uint32_t *externs_of;	/* per instruction: the external name that it refers to, or NONE */
	uint32_t count;
	struct iov_bytecode_section *sections;
	uint32_t n_sections;
	struct iov_bytecode_function *functions;
	uint32_t n_functions;
	struct iov_bytecode_extern *externs;
	uint32_t n_externs;
};

int iov_bytecode_read(struct iov_ctx *ctx, const char *path, struct iov_bytecode *ret);
void iov_bytecode_release(struct iov_bytecode *code);
/* The instruction at a byte of a section; NONE: there is none. */
uint32_t iov_bytecode_at(const struct iov_bytecode *code, const char *section, uint32_t offset);
/* The function of that name; NONE: there is none. */
uint32_t iov_bytecode_function(const struct iov_bytecode *code, const char *name);
/* The function that an instruction is in; NONE: there is none. */
uint32_t iov_bytecode_function_at(const struct iov_bytecode *code, int64_t insn);
static inline bool iov_insn_is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL);
}
/* Takes two places. */
static inline bool iov_insn_is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

#endif
