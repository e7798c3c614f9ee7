/* A function of the kernel that no program may call: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int vfs_fsync(void *file, int datasync) __ksym;

SEC("tc")
int calls(struct __sk_buff *ctx)
{
	return vfs_fsync(0, 0);
}

char LICENSE[] SEC("license") = "GPL";
