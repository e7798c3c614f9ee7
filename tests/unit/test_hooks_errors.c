/* Which hook serves a section, and what people read when a hook cannot do what they ask. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "engine/engine.h"
#include "hooks/rows.h"
#include "live.h"
#include "util/cleanup.h"
#include "util/fs.h"

static void assert_served(struct iov_ctx *ctx, const char *section, const char *name)
{
	const struct iov_hook *hook = NULL;
	unit_ok(ctx, iov_hook_find(ctx, section, &hook));
	ck_assert_str_eq(hook->name, name);
}

static void write_without(struct iov_ctx *ctx, const char *text)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_ETC "/without");
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
}

START_TEST(test_sections)
{
	struct iov_ctx *ctx = unit_ctx();
	const struct iov_hook *hook = NULL;
	assert_served(ctx, "xdp", "xdp");
	assert_served(ctx, "xdp.frags", "xdp");
	assert_served(ctx, "tp/sched/sched_process_exec", "tracepoint");
	assert_served(ctx, "tracepoint/sched/sched_switch", "tracepoint");
	assert_served(ctx, "tp", "tracepoint");
	assert_served(ctx, "raw_tp/sys_enter", "raw_tp");
	assert_served(ctx, "raw_tracepoint/sys_enter", "raw_tp");
	assert_served(ctx, "cgroup_skb/egress", "cgroup");
	assert_served(ctx, "cgroup/connect4", "cgroup");
	assert_served(ctx, "sockops", "cgroup");
	assert_served(ctx, "uprobe//usr/bin/bash:readline", "uprobe");
	assert_served(ctx, "uretprobe", "uprobe");
	assert_served(ctx, "uprobe.s", "uprobe.s");
	assert_served(ctx, "tp_btf/sys_enter", "tp_btf");
	unit_fails(ctx, iov_hook_find(ctx, "struct_ops/x", &hook), IOV_E_UNSUPPORTED,
		   "no hook serves section 'struct_ops/x'; this iovpkg has xdp, tcx, clsact, tracepoint, raw_tp");
	unit_fails(ctx, iov_hook_find(ctx, "xdp/cpumap", &hook), IOV_E_UNSUPPORTED,
		   "no hook serves section 'xdp/cpumap'");
	unit_fails(ctx, iov_hook_find(ctx, "tpx/a/b", &hook), IOV_E_UNSUPPORTED, "no hook serves");
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(test_without)
{
	struct iov_ctx *ctx = unit_ctx();
	const struct iov_hook *hook = NULL;
	write_without(ctx, "tcx\n");
	assert_served(ctx, "tcx/ingress", "clsact");
	assert_served(ctx, "classifier", "clsact");
	assert_served(ctx, "xdp", "xdp");
	write_without(ctx, "tcx\nclsact");
	unit_fails(ctx, iov_hook_find(ctx, "tcx/egress", &hook), IOV_E_UNSUPPORTED,
		   "this kernel has no 'tcx' hook for section 'tcx/egress'");
	write_without(ctx, "tc\n");
	unit_ok(ctx, iov_hook_find(ctx, "tcx/ingress", &hook));
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(test_targets)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	live_veth();
	struct iov_site site = {"one", "count", "xdp", "iovc"};
	unit_fails(ctx, iov_hook_xdp.check(ctx, &site), IOV_E_NOT_FOUND,
		   "interface 'iovc' not found; did you mean 'iov");
	site.target = "somewhere";
	unit_fails(ctx, iov_hook_tcx.check(ctx, &site), IOV_E_NOT_FOUND,
		   "interface 'somewhere' not found; this network namespace has");
	site.target = "a-name-longer-than-any-interface";
	unit_fails(ctx, iov_hook_tcx.check(ctx, &site), IOV_E_NOT_FOUND, "not found");
	site.target = "";
	unit_fails(ctx, iov_hook_xdp.check(ctx, &site), IOV_E_INPUT,
		   "program 'count' of instance 'one' has no interface");
	site.target = "iova/egress";
	unit_ok(ctx, iov_hook_tcx.check(ctx, &site));
	live_ctx_free(ctx);
}
END_TEST

START_TEST(test_tracepoints)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	struct iov_site site = {"one", "count", "tp/sched/sched_process_exec", ""};
	unit_ok(ctx, iov_hook_tracepoint.check(ctx, &site));
	ck_assert(!iov_fs_exists("/sys/kernel/tracing/events") || !umount("/sys/kernel/tracing"));
	unit_ok(ctx, iov_hook_tracepoint.check(ctx, &site)); /* without a mounted tracefs, and leaving none behind */
	ck_assert(!iov_fs_exists("/sys/kernel/tracing/events"));
	site.target = "sched/sched_proces_exec";
	unit_fails(ctx, iov_hook_tracepoint.check(ctx, &site), IOV_E_NOT_FOUND,
		   "no tracepoint 'sched/sched_proces_exec'; did you mean 'sched/sched_process_exec'?");
	site.target = "../../etc/passwd";
	unit_fails(ctx, iov_hook_tracepoint.check(ctx, &site), IOV_E_INPUT, "is no tracepoint");
	site = (struct iov_site){"one", "count", "tp", ""};
	unit_fails(ctx, iov_hook_tracepoint.check(ctx, &site), IOV_E_INPUT, "names no tracepoint");
	site.section = "raw_tp/sys_entr";
	unit_fails(ctx, iov_hook_raw_tp.check(ctx, &site), IOV_E_NOT_FOUND,
		   "no tracepoint 'sys_entr'; did you mean 'sys_enter'?");
	site.section = "raw_tp/sys_enter";
	unit_ok(ctx, iov_hook_raw_tp.check(ctx, &site));
	site.section = "raw_tp/raw_syscalls/sys_enter";
	unit_fails(ctx, iov_hook_raw_tp.check(ctx, &site), IOV_E_INPUT, "named without category, 'sys_enter'");
	live_ctx_free(ctx);
}
END_TEST

static void assert_refused(struct iov_ctx *ctx, const struct iov_hook *hook, const char *section, const char *target,
			   enum iov_code code, const char *text)
{
	const struct iov_site site = {"one", "count", section, target};
	unit_fails(ctx, hook->check(ctx, &site), code, text);
}

START_TEST(test_cgroups)
{
	const char *cgroup = live_begin() ? live_cgroup() : NULL;
	if (!cgroup)
		return;
	struct iov_ctx *ctx = live_ctx();
	char near[64];
	const struct iov_site site = {"one", "count", "cgroup/connect4", cgroup};
	unit_ok(ctx, iov_hook_cgroup.check(ctx, &site));
	snprintf(near, sizeof(near), "%sx", cgroup);
	assert_refused(ctx, &iov_hook_cgroup, "cgroup/connect4", near, IOV_E_NOT_FOUND, "not found; did you mean '");
	assert_refused(ctx, &iov_hook_cgroup, "cgroup/connect4", "", IOV_E_INPUT,
		       "has no cgroup; name one as its target");
	assert_refused(ctx, &iov_hook_cgroup, "cgroup/connect4", "/usr", IOV_E_INPUT,
		       "'/usr' is no cgroup; cgroups are folders below '");
	assert_refused(ctx, &iov_hook_cgroup, "cgroup/connect4", "nowhere-at-all/below", IOV_E_NOT_FOUND,
		       "cgroup 'nowhere-at-all/below' not found");
	assert_refused(ctx, &iov_hook_cgroup, "cgroup/skb", cgroup, IOV_E_UNSUPPORTED, "no cgroup hook has section");
	live_ctx_free(ctx);
}
END_TEST

START_TEST(test_places)
{
	static const char *const wrong[] = {"ipv4",
					    "ipv4/input",
					    "ipv5/input/1",
					    "ipv4/inputs/1",
					    "ipv4/input/x",
					    "ipv4/input/1/defrags",
					    "ipv4/input/",
					    "ipv4/input/1000000000000",
					    "ipv4/input/-2147483648"};
	struct iov_ctx *ctx = unit_ctx();
	const struct iov_site good = {"one", "count", "netfilter", "ipv6/postrouting/-100/defrag"};
	unit_ok(ctx, iov_hook_netfilter.check(ctx, &good));
	for (size_t i = 0; i < IOV_COUNT(wrong); i++)
		assert_refused(ctx, &iov_hook_netfilter, "netfilter", wrong[i], IOV_E_INPUT,
			       "is no place in netfilter; write 'FAMILY/POINT/PRIORITY'");
	assert_refused(ctx, &iov_hook_netfilter, "netfilter", "", IOV_E_INPUT, "names no place in netfilter");
	assert_refused(ctx, &iov_hook_sk_lookup, "sk_lookup", "no-such-namespace", IOV_E_NOT_FOUND,
		       "network namespace 'no-such-namespace' not found");
	assert_refused(ctx, &iov_hook_sk_lookup, "sk_lookup", "/etc/passwd", IOV_E_INPUT, "is no network namespace");
	assert_refused(ctx, &iov_hook_tp_btf, "tp_btf", "", IOV_E_INPUT, "write SEC(\"tp_btf/NAME\")");
	unit_ctx_free(ctx);
}
END_TEST

START_TEST(test_probes)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	const char *const section = "uprobe";
	struct iov_site site = {"one", "count", "uprobe//bin/sh:0x1000", ""};
	if (!iov_hook_uprobe.supported(ctx))
		return live_ctx_free(ctx);
	unit_ok(ctx, iov_hook_uprobe.check(ctx, &site));
	site.target = "libc.so.6:getppid+0x4";
	unit_ok(ctx, iov_hook_uprobe.check(ctx, &site));
	assert_refused(ctx, &iov_hook_uprobe, section, "", IOV_E_INPUT, "names no function to probe");
	assert_refused(ctx, &iov_hook_uprobe, section, "/bin/sh", IOV_E_INPUT, "names no function to probe");
	assert_refused(ctx, &iov_hook_uprobe, section, "libc.so.6:getppidd", IOV_E_NOT_FOUND,
		       "did you mean 'getppid'?");
	assert_refused(ctx, &iov_hook_uprobe, section, "/bin/shh:main", IOV_E_NOT_FOUND,
		       "no program or library '/bin/shh'");
	assert_refused(ctx, &iov_hook_uprobe, section, "no-such-program:main", IOV_E_NOT_FOUND,
		       "no program 'no-such-program' in the usual folders");
	assert_refused(ctx, &iov_hook_uprobe, section, "/etc/passwd:main", IOV_E_INPUT, "is no ELF file");
	assert_refused(ctx, &iov_hook_uprobe, section, "libc.so.6:getppid+", IOV_E_INPUT, "is no place to probe");
	assert_refused(ctx, &iov_hook_uprobe, section, "libc.so.6:getppid+x", IOV_E_INPUT, "is no place to probe");
	site = (struct iov_site){"one", "count", "kprobe/vfs_openn", ""};
	if (iov_hook_kprobe.supported(ctx))
		unit_fails(ctx, iov_hook_kprobe.check(ctx, &site), IOV_E_NOT_FOUND,
			   "no function 'vfs_openn' to probe; did you mean 'vfs_open'?");
	live_ctx_free(ctx);
}
END_TEST

static int load_xdp(const char *name)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", code, 2, &options);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void pin_program(int fd, const char *dir)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/progs/count", dir);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0700), 0);
	ck_assert_int_eq(bpf_obj_pin(fd, path), 0);
}

START_TEST(test_xdp_taken)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	live_veth();
	const struct iov_site site = {"one", "count", "xdp", "iovb"};
	unsigned ifindex = if_nametoindex("iovb");
	iov_auto(iov_close_fd) int foreign = load_xdp("foreign");
	const char *dir = live_dir(ctx, "live");
	pin_program(load_xdp("ours"), dir);
	ck_assert_int_eq(bpf_xdp_attach((int)ifindex, foreign, XDP_FLAGS_SKB_MODE, NULL), 0);
	unit_fails(ctx, iov_hook_xdp.style->attach(ctx, &iov_hook_xdp, &site, dir), IOV_E_BUSY,
		   "interface 'iovb' already runs XDP program 'foreign' (id ");
	ck_assert_ptr_nonnull(
		strstr(iov_error_text(ctx), "of another tool; detach it with 'ip link set dev iovb xdp off'"));
	ck_assert_int_eq(bpf_xdp_detach((int)ifindex, XDP_FLAGS_SKB_MODE, NULL), 0);
	iov_auto(iov_close_fd) int link = bpf_link_create(foreign, (int)ifindex, BPF_XDP, NULL);
	ck_assert_int_ge(link, 0);
	unit_fails(ctx, iov_hook_xdp.style->attach(ctx, &iov_hook_xdp, &site, dir), IOV_E_BUSY,
		   "detach it with 'bpftool link detach id ");
	ck_assert_int_eq(bpf_link_detach(link), 0);
	unit_ok(ctx, iov_hook_xdp.style->attach(ctx, &iov_hook_xdp, &site, dir));
	live_ctx_free(ctx);
}
END_TEST

/* An interface takes its links along; when it is there again, a swap attaches anew. */
START_TEST(test_interface_gone)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	live_veth();
	const struct iov_site site = {"one", "count", "xdp", "iovb"};
	struct iov_running running = {0};
	const char *dir = live_dir(ctx, "live");
	pin_program(load_xdp("ours"), dir);
	unit_ok(ctx, iov_hook_xdp.style->attach(ctx, &iov_hook_xdp, &site, dir));
	unit_ok(ctx, iov_hook_xdp.style->running(ctx, &iov_hook_xdp, &site, dir, &running));
	ck_assert_uint_ne(running.prog_id, 0);
	ck_assert_uint_ne(running.link_id, 0);
	ck_assert_int_eq(system("ip link del iovb"), 0);
	unit_ok(ctx, iov_hook_xdp.style->running(ctx, &iov_hook_xdp, &site, dir, &running));
	ck_assert_uint_eq(running.prog_id, 0);
	unit_fails(ctx, iov_hook_xdp.style->swap(ctx, &iov_hook_xdp, &site, dir), IOV_E_NOT_FOUND,
		   "interface 'iovb' not found");
	live_veth();
	unit_ok(ctx, iov_hook_xdp.style->swap(ctx, &iov_hook_xdp, &site, dir));
	unit_ok(ctx, iov_hook_xdp.style->running(ctx, &iov_hook_xdp, &site, dir, &running));
	ck_assert_uint_ne(running.prog_id, 0);
	ck_assert_int_eq(system("ip link del iovb"), 0);
	unit_ok(ctx, iov_hook_xdp.style->detach(ctx, &iov_hook_xdp, &site, dir));
	live_ctx_free(ctx);
}
END_TEST

START_TEST(test_no_privileges)
{
	if (!live_begin())
		return;
	struct iov_ctx *ctx = live_ctx();
	struct iov_engine *engine = NULL;
	unit_ok(ctx, iov_engine_kernel_new(ctx, &engine));
	ck_assert_int_eq(mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL), 0);
	unit_fails(ctx, engine->ops->prepare(engine), IOV_E_UNSUPPORTED,
		   "use a kernel built with CONFIG_DEBUG_INFO_BTF=y");
	ck_assert_int_eq(seteuid(65534), 0);
	unit_fails(
		ctx, engine->ops->prepare(engine), IOV_E_PERMISSION,
		"(CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN); run it as root or give CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	ck_assert_int_eq(seteuid(0), 0);
	iov_engine_free(engine);
	live_ctx_free(ctx);
}
END_TEST

Suite *suite_hooks_errors(void)
{
	Suite *suite = suite_create("hooks/errors");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_sections);
	tcase_add_test(tcase, test_without);
	tcase_add_test(tcase, test_targets);
	tcase_add_test(tcase, test_tracepoints);
	tcase_add_test(tcase, test_cgroups);
	tcase_add_test(tcase, test_places);
	tcase_add_test(tcase, test_probes);
	tcase_add_test(tcase, test_xdp_taken);
	tcase_add_test(tcase, test_interface_gone);
	tcase_add_test(tcase, test_no_privileges);
	suite_add_tcase(suite, tcase);
	return suite;
}
