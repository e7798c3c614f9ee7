/* Hooks that newer kernels have: for tests/unit/test_check_verdicts.c. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "hard.h"

#define PROGRAM(section, name, result)                                                                                 \
	SEC(section)                                                                                                   \
	int name(void *ctx)                                                                                            \
	{                                                                                                              \
		return result;                                                                                         \
	}
PROGRAM("tc", classic, 0)
PROGRAM("tcx/ingress", extended, 0)
PROGRAM("netkit/primary", pair, 0)
PROGRAM("netfilter", filter, 1)
PROGRAM("cgroup/connect_unix", connects, 1)
PROGRAM("cgroup/getsockname4", names, 1)
PROGRAM("cgroup/sock_release", releases, 1)
PROGRAM("cgroup/dev", devices, 1)
PROGRAM("cgroup/getsockopt", options, 1)
PROGRAM("kprobe.multi/vfs_*", many, 0)
PROGRAM("uprobe.multi/x:y", many_of_users, 0)
PROGRAM("kprobe/vfs_open", one, 0)
PROGRAM("uprobe.s/x:y", sleeps, 0)
PROGRAM("xdp.frags", frames, XDP_PASS)
PROGRAM("xdp.frags/devmap", frames_of_devices, XDP_PASS)
PROGRAM("xdp/cpumap", of_cpus, XDP_PASS)
PROGRAM("sk_skb/stream_parser", parses, 0)
PROGRAM("sk_skb/stream_verdict", decides, 1)
PROGRAM("sk_msg", messages, 1)
PROGRAM("sockops", operations, 1)
PROGRAM("action", acts, 0)
PROGRAM("lwt_seg6local", segments, 0)
PROGRAM("lirc_mode2", infrared, 0)
PROGRAM("raw_tp.w/sys_enter", writes, 0)
PROGRAM("syscall", called, 0)

char LICENSE[] SEC("license") = "GPL";
