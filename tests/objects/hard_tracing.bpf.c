/* Programs that are loaded for what they attach to: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

struct path;
char bytes[64];

#define PROGRAM(section, name, result)                                                                                 \
	SEC(section)                                                                                                   \
	int name(__u64 *ctx)                                                                                           \
	{                                                                                                              \
		return result;                                                                                         \
	}
PROGRAM("fentry/vfs_open", enters, 0)
PROGRAM("fexit/vfs_open", leaves, 0)
PROGRAM("fentry/made_up", enters_nothing, 0)
/* Of a module, in guests. */
PROGRAM("fentry/virtblk_done", enters_a_module, 0)
PROGRAM("fexit/made_up", leaves_nothing, 0)
PROGRAM("fmod_ret/made_up", changes_nothing, 0)
/* Only few functions may be changed, or be waited in. */
PROGRAM("fmod_ret/vfs_open", changes, 0)
PROGRAM("fentry.s/vfs_open", enters_and_sleeps, 0)
PROGRAM("fexit.s/schedule", leaves_and_sleeps, 0)
PROGRAM("tp_btf/sys_enter", event, 0)
PROGRAM("tp_btf/made_up", no_event, 0)
PROGRAM("raw_tp/made_up", late_event, 0)
PROGRAM("tp/made_up/made_up", late_tracepoint, 0)
PROGRAM("kprobe/made_up", late_function, 0)
PROGRAM("iter/task", goes_through, 0)
PROGRAM("iter.s/task", goes_through_and_sleeps, 0)
PROGRAM("iter/made_up", goes_through_nothing, 0)
PROGRAM("lsm/file_open", guards, 0)
PROGRAM("lsm.s/file_open", guards_and_sleeps, 0)
PROGRAM("lsm.s/task_free", may_not_sleep, 0)
PROGRAM("lsm/made_up", guards_nothing, 0)
PROGRAM("lsm_cgroup/socket_bind", guards_a_cgroup, 1)

SEC("lsm_cgroup/socket_post_create")
int sets_options(__u64 *ctx)
{
	bpf_setsockopt((void *)ctx[0], 1, 2, bytes, 4);
	return 1;
}

/* A helper for some functions only. */
SEC("fentry/vfs_read")
int path(__u64 *ctx)
{
	bpf_d_path((struct path *)ctx[0], bytes, sizeof(bytes));
	return 0;
}

SEC("fexit/vfs_open")
int result(__u64 *ctx)
{
	__u64 value = 0;
	bpf_get_func_ret(ctx, &value);
	return 0;
}

/* In place of another program's function, which somebody has to name. */
SEC("freplace/step")
int replaces(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
