/* Values of the configuration: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ __kconfig;

long sum;

SEC("raw_tp/sys_enter")
int adds(void *ctx)
{
	sum += CONFIG_HZ;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
