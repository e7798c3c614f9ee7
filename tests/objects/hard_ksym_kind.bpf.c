/* A struct of the kernel's, taken for a number: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern const int runqueues __ksym;

unsigned long sum;

SEC("raw_tp/sys_enter")
int number(void *ctx)
{
	sum += *(const int *)bpf_this_cpu_ptr(&runqueues);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
