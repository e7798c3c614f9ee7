/* Functions that the object can do without: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_made_up_function(int number) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
/* The same with a flavor, and with another prototype. */
extern void bpf_rcu_read_lock___now(void) __ksym __weak;
extern void bpf_rcu_read_unlock___now(void) __ksym __weak;
extern int bpf_rcu_read_lock___later(int number) __ksym __weak;

#include "hard.h"

SEC("tc")
int asks(struct __sk_buff *ctx)
{
	return bpf_ksym_exists(bpf_made_up_function) ? bpf_made_up_function(1) : 0;
}

SEC("tc")
int asks_not(struct __sk_buff *ctx)
{
	return bpf_made_up_function(1);
}

SEC("tc")
int asks_for_another(struct __sk_buff *ctx)
{
	return bpf_ksym_exists(bpf_made_up_function) ? bpf_made_up() : 0;
}

SEC("tc")
int locks(struct __sk_buff *ctx)
{
	if (!bpf_ksym_exists(bpf_rcu_read_lock) || !bpf_ksym_exists(bpf_rcu_read_unlock))
		return 0;
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc")
int locks_by_flavor(struct __sk_buff *ctx)
{
	if (!bpf_ksym_exists(bpf_rcu_read_lock___now) || !bpf_ksym_exists(bpf_rcu_read_unlock___now))
		return 0;
	bpf_rcu_read_lock___now();
	bpf_rcu_read_unlock___now();
	return 0;
}

SEC("tc")
int other_prototype(struct __sk_buff *ctx)
{
	return bpf_ksym_exists(bpf_rcu_read_lock___later) ? bpf_made_up() : 0;
}

char LICENSE[] SEC("license") = "GPL";
