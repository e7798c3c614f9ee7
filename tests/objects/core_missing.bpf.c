/* Asks for types that this kernel may lack, one of them declared only. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct nsproxy;
struct no_such_struct {
	int field;
} __attribute__((preserve_access_index));

SEC("raw_tp/sys_enter")
int missing(void *ctx)
{
	return bpf_core_type_exists(struct no_such_struct) + bpf_core_type_exists(struct nsproxy);
}

char LICENSE[] SEC("license") = "GPL";
