/* Needs CO-RE relocations of many kinds, so that a cut-down BTF can be compared with the kernel's own. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define __core __attribute__((preserve_access_index))

struct list_head {
	struct list_head *next;
} __core;
struct upid {
	int nr;
} __core;
struct pid {
	unsigned int level;
	struct upid numbers[1];
} __core;
struct signal_struct {
	struct pid *pids[4];
} __core;
struct mm_struct___flavor {
	unsigned long arg_start;
	unsigned long not_there;
} __core;
struct task_struct {
	int pid, tgid;
	char comm[16];
	unsigned sched_reset_on_fork : 1;
	struct task_struct *real_parent;
	struct signal_struct *signal;
	struct pid *thread_pid;
	struct list_head tasks;
} __core;
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID = 77 };
typedef struct {
	int counter;
} __core atomic_t;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} results SEC(".maps");

static void put(__u32 key, __u64 value)
{
	bpf_map_update_elem(&results, &key, &value, BPF_ANY);
}

SEC("raw_tp/sys_enter")
int core(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	put(0, BPF_CORE_READ(task, real_parent, tgid));
	put(1, BPF_CORE_READ(task, thread_pid, numbers[0].nr));
	put(2, BPF_CORE_READ(task, signal, pids[2], level));
	put(3, BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork));
	put(4, bpf_core_field_exists(struct mm_struct___flavor, arg_start));
	put(5, bpf_core_field_exists(struct mm_struct___flavor, not_there));
	put(7, bpf_core_type_size(struct task_struct));
	put(8, bpf_core_enum_value(enum pid_type, PIDTYPE_PGID));
	put(9, bpf_core_field_offset(struct task_struct, tasks.next));
	put(10, bpf_core_field_size(struct task_struct, comm));
	put(11, bpf_core_type_exists(atomic_t) + bpf_core_type_size(atomic_t));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
