/* Values that libbpf makes up: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <stdbool.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern int LINUX_MADE_UP __kconfig __weak;

long sum;

SEC("raw_tp/sys_enter")
int adds(void *ctx)
{
	sum += LINUX_KERNEL_VERSION + LINUX_HAS_BPF_COOKIE + LINUX_HAS_SYSCALL_WRAPPER + LINUX_MADE_UP;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
