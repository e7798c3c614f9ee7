/* A function that no kernel has, without which the object cannot do though no program that is loaded calls it: for
 * tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_made_up_function(int number) __ksym;

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?xdp")
int calls(struct xdp_md *ctx)
{
	return bpf_made_up_function(1);
}

char LICENSE[] SEC("license") = "GPL";
