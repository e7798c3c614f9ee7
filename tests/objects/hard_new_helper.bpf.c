/* A helper and a map of Linux 6.2: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

#define CGRP_STORAGE 32

static void *(*cgrp_storage_get)(void *map, void *cgroup, void *value, __u64 flags) = (void *)210;

struct {
	__uint(type, CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, long);
} slots SEC(".maps");

struct kernfs_node;
struct cgroup {
	int level;
} __core;
struct css_set {
	struct cgroup *dfl_cgrp;
} __core;
struct task_struct {
	struct css_set *cgroups;
} __core;

SEC("tp_btf/sys_enter")
int counts(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	long *slot = cgrp_storage_get(&slots, task->cgroups->dfl_cgrp, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (slot)
		*slot += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
