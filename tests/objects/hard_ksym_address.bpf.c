/* A symbol without a type: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern const void schedule __ksym;

unsigned long sum;

SEC("raw_tp/sys_enter")
int address(void *ctx)
{
	sum += (unsigned long)&schedule;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
