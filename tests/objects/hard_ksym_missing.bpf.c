/* A variable that no kernel has: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern const int made_up_variable __ksym;

unsigned long sum;

SEC("raw_tp/sys_enter")
int made_up(void *ctx)
{
	sum += (unsigned long)&made_up_variable;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
