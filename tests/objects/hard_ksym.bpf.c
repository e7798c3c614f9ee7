/* Variables of the kernel: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct rq {
	unsigned nr_running;
} __attribute__((preserve_access_index));
extern const struct rq runqueues __ksym;
extern const int bpf_prog_active __ksym;
extern const int made_up_variable __ksym __weak;

unsigned long sum;

SEC("raw_tp/sys_enter")
int of_a_cpu(void *ctx)
{
	const struct rq *rq = bpf_per_cpu_ptr(&runqueues, 0);
	if (rq)
		sum += rq->nr_running;
	return 0;
}

SEC("raw_tp/sys_enter")
int of_this_cpu(void *ctx)
{
	sum += *(const int *)bpf_this_cpu_ptr(&bpf_prog_active);
	return 0;
}

SEC("raw_tp/sys_enter")
int made_up(void *ctx)
{
	return &made_up_variable ? 1 : 0;
}

char LICENSE[] SEC("license") = "GPL";
