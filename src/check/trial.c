#include "check/trial.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

/* linux: kernel/bpf/syscall.c, bpf_prog_load */
bool iov_trial_may_all(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	return !syscall(SYS_capget, &header, data) &&
	       data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}

int iov_trial_load(struct iov_trial *trial, const struct bpf_insn *insns, size_t count)
{
	const struct iov_trial_kind *kind = trial->kind;
	LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = trial->log, .log_size = sizeof(trial->log), .log_level = 1,
		    .attach_btf_id = (uint32_t)trial->target);
	options.expected_attach_type = kind->attach == IOV_TRIAL_NO_ATTACH ? 0 : (enum bpf_attach_type)kind->attach;
	options.prog_flags = kind->sleepable ? BPF_F_SLEEPABLE : 0;
	trial->log[0] = '\0';
	int fd = bpf_prog_load(kind->type, "iov_probe", "GPL", insns, count, &options);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Some kinds want 0 as the result, some 1. */
enum iov_answer iov_trial_program(struct iov_trial *trial)
{
	for (int32_t result = 0; result < 2; result++) {
		const struct bpf_insn insns[] = {
			{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
			{.code = BPF_JMP | BPF_EXIT},
		};
		int err = iov_trial_load(trial, insns, IOV_COUNT(insns));
		if (!err)
			return IOV_ANSWER_YES;
		if (err == -EPERM && !trial->may_all)
			return IOV_ANSWER_UNCLEAR;
	}
	return IOV_ANSWER_NO;
}
