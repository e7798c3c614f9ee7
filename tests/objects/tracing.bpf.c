/* Programs that attach to types of the kernel's BTF. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct {
	int pid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

int seen = 0;

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	seen = task->real_parent->pid;
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent)
{
	seen = parent->pid;
	return 0;
}

SEC("?fentry/do_exit")
int BPF_PROG(enter, long code)
{
	seen = (int)code;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
