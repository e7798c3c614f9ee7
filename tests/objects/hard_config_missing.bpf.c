/* A value that no kernel has, and that is needed: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_MADE_UP __kconfig;

long sum;

SEC("raw_tp/sys_enter")
int adds(void *ctx)
{
	sum += CONFIG_MADE_UP;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
