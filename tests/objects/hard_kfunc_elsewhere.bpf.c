/* A function of Linux 6.3 that some programs may not call: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct xdp_md;
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;

SEC("tc")
int asks(struct __sk_buff *ctx)
{
	__u64 at = 0;
	return bpf_xdp_metadata_rx_timestamp((void *)ctx, &at);
}

char LICENSE[] SEC("license") = "GPL";
