/* A function that is there, but not like this: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_rcu_read_lock(int number) __ksym;

SEC("tc")
int locks(struct __sk_buff *ctx)
{
	return bpf_rcu_read_lock(1);
}

char LICENSE[] SEC("license") = "GPL";
