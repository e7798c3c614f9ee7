/* What the code of an object asks of the kernel, each thing once, and which instruction asks for which (docs/facts.md).
 */
#ifndef IOV_CHECK_NEEDS_H
#define IOV_CHECK_NEEDS_H

#include "check/bytecode.h"
#include "check/flow.h"
#include "core/json.h"

struct btf;
struct btf_ext;

struct iov_need {
	json_t *json; /* owned */
	bool tells;   /* an instruction loads a value by which a program can see whether it is there */
	struct iov_flow_known absent, present; /* these values */
};

struct iov_needs {
	struct iov_need *items;
	uint32_t count;
	uint32_t *of; /* per instruction of the code: its need, or NONE */
	bool throws;  /* calls bpf_throw, after which nothing is certain */
};

int iov_needs_read(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct btf *btf,
		   const struct btf_ext *ext, struct iov_needs *ret);
void iov_needs_release(struct iov_needs *needs);
/* The relocation of an instruction as JSON: {"relocation","type",…}; *ret is NULL where it asks nothing of the kernel.
 */
int iov_need_of_relocation(struct iov_ctx *ctx, const struct btf *btf, const struct bpf_core_relo *relocation,
			   const struct bpf_insn *insn, json_t **ret);

/* BTF_KIND_… as C says it: "struct", "union", "enum", "typedef"; NULL: CO-RE asks for no such type. */
const char *iov_kind_word(uint32_t kind);
/* The same as coarse as libbpf compares fields: "composite", "int", "pointer". */
const char *iov_leaf_word(uint32_t kind);

#endif
