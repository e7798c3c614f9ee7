#include "hooks/probe.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "util/cleanup.h"

#define SOME_TYPE 1 /* of kernel BTF: a basic type, to which nothing attaches */

static int try(enum bpf_prog_type type, enum bpf_attach_type attach_type, uint32_t btf_id)
{
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach_type, .attach_btf_id = btf_id);
	iov_auto(iov_close_fd) int fd =
		bpf_prog_load(type, NULL, "Dual MIT/GPL", nothing, IOV_COUNT(nothing), &options);
	return fd < 0 ? errno : 0;
}

/* Some kernels refuse single types to everyone; without privileges all are refused. */
static bool is_refused(int err)
{
	return err == EPERM && try(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0) != EPERM;
}

bool iov_probe_program(enum bpf_prog_type type, enum bpf_attach_type attach_type)
{
	int err = try(type, attach_type, 0);
	return err != EINVAL && !is_refused(err);
}

bool iov_probe_btf_program(enum bpf_prog_type type, enum bpf_attach_type attach_type)
{
	return !is_refused(try(type, attach_type, SOME_TYPE));
}
