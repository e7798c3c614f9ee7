/* What the samples take from a kernel's vmlinux.h, so that their objects can be built without one. */
#include <linux/bpf.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task_struct {
	int tgid;
	struct task_struct *real_parent;
};
struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename;
};
#pragma clang attribute pop
