/* A value that libbpf does not make up: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int LINUX_MADE_UP __kconfig;

long sum;

SEC("raw_tp/sys_enter")
int adds(void *ctx)
{
	sum += LINUX_MADE_UP;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
