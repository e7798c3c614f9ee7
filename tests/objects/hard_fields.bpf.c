/* Fields in the ways that objects and kernels may disagree about: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

struct list_head;
struct task_struct {
	int tgid;
	unsigned flags;
	unsigned __state;
	char comm[16];
	unsigned sched_reset_on_fork : 1;
	struct task_struct *group_leader;
} __core;
struct task_struct___old {
	long state;
} __core;
struct task_struct___pointer {
	void *tgid;
} __core;
struct task_struct___wide {
	long tgid;
} __core;
struct task_struct___narrow {
	short tgid;
} __core;
struct task_struct___wide_flags {
	unsigned long flags;
} __core;
struct task_struct___comm {
	char comm[64];
} __core;
struct task_struct___signals {
	struct {
		unsigned long sig[3];
	} blocked;
} __core;
struct inet_sock {
	__u8 recverr : 1, is_icsk : 1;
} __core;
struct made_up {
	int one;
} __core;
struct virtio_blk {
	int index, made_up;
} __core;
enum bpf_map_type___made_up { BPF_MAP_TYPE_MADE_UP = 4711 };

long sum;

SEC("tp_btf/sys_enter")
int there(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	sum += task->tgid + task->group_leader->flags;
	return 0;
}

SEC("tp_btf/sys_enter")
int there_by_probing(__u64 *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ(task, group_leader, tgid);
	return 0;
}

SEC("tp_btf/sys_enter")
int renamed(__u64 *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	if (bpf_core_field_exists(task->__state))
		sum += BPF_CORE_READ(task, __state);
	else
		sum += BPF_CORE_READ((struct task_struct___old *)task, state);
	return 0;
}

SEC("tp_btf/sys_enter")
int renamed_unasked(__u64 *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ((struct task_struct___old *)task, state);
	return 0;
}

SEC("tp_btf/sys_enter")
int another_kind(__u64 *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	sum += (long)BPF_CORE_READ((struct task_struct___pointer *)task, tgid);
	return 0;
}

/* Signed numbers of another size cannot be loaded in one instruction. */
SEC("tp_btf/sys_enter")
int wider(__u64 *ctx)
{
	struct task_struct___wide *task = (void *)bpf_get_current_task_btf();
	sum += task->tgid;
	return 0;
}

SEC("tp_btf/sys_enter")
int narrower(__u64 *ctx)
{
	struct task_struct___narrow *task = (void *)bpf_get_current_task_btf();
	sum += task->tgid;
	return 0;
}

SEC("tp_btf/sys_enter")
int wider_by_probing(__u64 *ctx)
{
	struct task_struct___wide *task = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ(task, tgid);
	return 0;
}

SEC("tp_btf/sys_enter")
int wider_unsigned(__u64 *ctx)
{
	struct task_struct___wide_flags *task = (void *)bpf_get_current_task_btf();
	sum += task->flags;
	return 0;
}

SEC("tp_btf/sys_enter")
int longer_array(__u64 *ctx)
{
	struct task_struct___comm *task = (void *)bpf_get_current_task();
	char last;
	bpf_core_read(&last, 1, &task->comm[63]);
	sum += last;
	return 0;
}

/* An array of one at the end of its struct has one element. */
SEC("tp_btf/sys_enter")
int array_at_the_end(__u64 *ctx)
{
	struct task_struct___signals *task = (void *)bpf_get_current_task();
	unsigned long last;
	bpf_core_read(&last, sizeof(last), &task->blocked.sig[2]);
	sum += last;
	return 0;
}

SEC("tp_btf/sys_enter")
int bitfield(__u64 *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
	return 0;
}

/* Gone since Linux 6.6. */
SEC("kprobe/tcp_connect")
int old_bitfield(void *ctx)
{
	struct inet_sock *sock = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ_BITFIELD_PROBED(sock, is_icsk);
	return 0;
}

SEC("tp_btf/sys_enter")
int number(__u64 *ctx)
{
	sum += bpf_core_enum_value(enum bpf_map_type, BPF_MAP_TYPE_HASH);
	return 0;
}

SEC("tp_btf/sys_enter")
int number_missing(__u64 *ctx)
{
	sum += bpf_core_enum_value(enum bpf_map_type___made_up, BPF_MAP_TYPE_MADE_UP);
	return 0;
}

SEC("tp_btf/sys_enter")
int type_missing(__u64 *ctx)
{
	struct made_up *made_up = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ(made_up, one);
	return 0;
}

/* Of a module, in guests. */
SEC("tp_btf/sys_enter")
int type_of_a_module(__u64 *ctx)
{
	struct virtio_blk *disk = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ(disk, index);
	return 0;
}

SEC("tp_btf/sys_enter")
int field_of_a_module(__u64 *ctx)
{
	struct virtio_blk *disk = (void *)bpf_get_current_task();
	sum += BPF_CORE_READ(disk, made_up);
	return 0;
}

SEC("tp_btf/sys_enter")
int type_missing_by_id(__u64 *ctx)
{
	sum += bpf_core_type_id_kernel(struct made_up) + bpf_core_type_size(struct made_up);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
