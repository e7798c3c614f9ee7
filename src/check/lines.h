/* Which line of source an instruction comes from, as compilers write it down with -g. */
#ifndef IOV_CHECK_LINES_H
#define IOV_CHECK_LINES_H

#include "check/bytecode.h"
#include "core/json.h"

struct btf;
struct btf_ext;
struct iov_lines;

/* A damaged table is as good as none. Borrows all three. */
int iov_lines_new(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct btf *btf,
		  const struct btf_ext *ext, struct iov_lines **ret);
void iov_lines_free(struct iov_lines *lines);
/* {"file": "flow.bpf.c", "line": 42, "text": "bpf_loop(8, step, &at, 0);"}, a new reference; "text" is absent where the
 * object does not have it. NULL: nobody wrote it down. */
json_t *iov_line_of(const struct iov_lines *lines, uint32_t insn);

#endif
