/* A function with a flavor: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern void bpf_rcu_read_lock___now(void) __ksym;
extern void bpf_rcu_read_unlock___now(void) __ksym;

SEC("tc")
int locks(struct __sk_buff *ctx)
{
	bpf_rcu_read_lock___now();
	bpf_rcu_read_unlock___now();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
