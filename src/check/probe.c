#include "check/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "check/features.h"
#include "check/kinds.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

#define LOG_SIZE 4096 /* bytes; three instructions say less */
#define NO_ATTACH (-1)
#define MAP_TYPES_END 256 /* libbpf has names for fewer */

/* Of Linux 6.7: headers may be older. */
enum { UNIX_CONNECT = 49, UNIX_SENDMSG, UNIX_RECVMSG, UNIX_GETPEERNAME, UNIX_GETSOCKNAME };

/* Kinds of programs whose helpers differ. Some attach to a function or event that every kernel with BTF has. */
static const struct kind {
	enum bpf_prog_type type;
	int attach;
	const char *target; /* by its name in BTF */
	bool sleepable;
} kinds[] = {
	{BPF_PROG_TYPE_SOCKET_FILTER, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_KPROBE, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_KPROBE, NO_ATTACH, NULL, true},
	{BPF_PROG_TYPE_SCHED_CLS, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_SCHED_ACT, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_TRACEPOINT, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_XDP, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_XDP, BPF_XDP, NULL, false},
	{BPF_PROG_TYPE_XDP, BPF_XDP_DEVMAP, NULL, false},
	{BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, NULL, false},
	{BPF_PROG_TYPE_PERF_EVENT, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND, NULL, false},
	{BPF_PROG_TYPE_LWT_IN, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_LWT_OUT, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_LWT_XMIT, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_LWT_SEG6LOCAL, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, NULL, false},
	{BPF_PROG_TYPE_SK_SKB, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_SK_MSG, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, NULL, false},
	{BPF_PROG_TYPE_RAW_TRACEPOINT, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_CONNECT, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_SENDMSG, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_RECVMSG, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_GETPEERNAME, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_GETSOCKNAME, NULL, false},
	{BPF_PROG_TYPE_LIRC_MODE2, NO_ATTACH, NULL, false},
	{BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, NULL, false},
	{BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE, NULL, false},
	{BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT, NULL, false},
	{BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT, NULL, false},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_sys_enter", false},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "vfs_open", false},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "bpf_fentry_test1", true},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "vfs_open", false},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "bpf_fentry_test1", true},
	{BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, "security_file_open", false},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "bpf_iter_task", false},
	{BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "bpf_iter_task", true},
	{BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_file_open", false},
	{BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_file_open", true},
	{BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, "bpf_lsm_socket_sendmsg", false},
	{BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, NULL, false},
	{BPF_PROG_TYPE_SYSCALL, NO_ATTACH, NULL, true},
	{BPF_PROG_TYPE_NETFILTER, BPF_NETFILTER, NULL, false},
};

enum answer { NO, YES, UNCLEAR };

struct probe {
	const struct iov_object *object; /* NULL: try everything */
	const struct kind *kind;
	bool may_all; /* what is refused to this process, is refused to all */
	int target;   /* the type that it attaches to; 0: none */
	char log[LOG_SIZE];
};

/* What the verifier says of a program that calls a helper which its kind does not have, by the versions of Linux. */
static bool lacks_helper(const char *log)
{
	static const char *const words[] = {"unknown func", "invalid func", "program of this type cannot use helper",
					    "might sleep in a non-sleepable", "sleepable helper"};
	for (size_t i = 0; i < IOV_COUNT(words); i++)
		if (strstr(log, words[i]))
			return true;
	return false;
}

/* Loads the program; 0, or -errno with what the verifier says in the log. */
static int load(struct probe *probe, const struct bpf_insn *insns, size_t count)
{
	const struct kind *kind = probe->kind;
	LIBBPF_OPTS(bpf_prog_load_opts, options, .log_buf = probe->log, .log_size = sizeof(probe->log), .log_level = 1,
		    .attach_btf_id = (uint32_t)probe->target);
	options.expected_attach_type = kind->attach == NO_ATTACH ? 0 : (enum bpf_attach_type)kind->attach;
	options.prog_flags = kind->sleepable ? BPF_F_SLEEPABLE : 0;
	probe->log[0] = '\0';
	int fd = bpf_prog_load(kind->type, "iov_probe", "GPL", insns, count, &options);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static enum answer takes_helper(struct probe *probe, uint32_t helper)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = (int32_t)helper},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int err = load(probe, insns, IOV_COUNT(insns));
	if (!err)
		return YES;
	return lacks_helper(probe->log) ? NO : *probe->log ? YES : UNCLEAR;
}

/* Which functions programs may sleep in, differs from kernel to kernel: the one that is tried may be the wrong one. */
static bool is_refusal_telling(const struct kind *kind)
{
	return !(kind->type == BPF_PROG_TYPE_TRACING && kind->sleepable);
}

/* Then it may load programs of every type (linux: kernel/bpf/syscall.c, bpf_prog_load). */
static bool is_administrator(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	return !syscall(SYS_capget, &header, data) &&
	       data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}

/* Some kinds want 0 as the result, some 1. */
static enum answer takes_program(struct probe *probe)
{
	for (int32_t result = 0; result < 2; result++) {
		const struct bpf_insn insns[] = {
			{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
			{.code = BPF_JMP | BPF_EXIT},
		};
		int err = load(probe, insns, IOV_COUNT(insns));
		if (!err)
			return YES;
		if (err == -EPERM && !probe->may_all)
			return UNCLEAR;
	}
	return NO;
}

/* "tracing/trace_fentry.s" */
static json_t *name_of(const struct kind *kind)
{
	const char *attach =
		kind->attach == NO_ATTACH ? NULL : libbpf_bpf_attach_type_str((enum bpf_attach_type)kind->attach);
	return json_sprintf("%s%s%s%s", libbpf_bpf_prog_type_str(kind->type), attach ? "/" : "", attach ? attach : "",
			    kind->sleepable && kind->type != BPF_PROG_TYPE_SYSCALL ? ".s" : "");
}

static json_t *helpers_of(struct probe *probe)
{
	json_t *helpers = json_array();
	for (uint32_t i = 1; i < IOV_HELPERS; i++) {
		const char *name = iov_helper_by_id(i)->name;
		if ((!probe->object || iov_asks_helper(probe->object, name)) && takes_helper(probe, i) == YES)
			json_array_append_new(helpers, json_string(name));
	}
	return helpers;
}

/* Kinds with the same helpers stand together. Takes both references. */
static void add_kind(json_t *groups, json_t *name, json_t *helpers)
{
	size_t i;
	json_t *group;
	json_array_foreach(groups, i, group) {
		if (!json_equal(json_object_get(group, "helpers"), helpers))
			continue;
		json_array_append_new(json_object_get(group, "kinds"), name);
		json_decref(helpers);
		return;
	}
	json_array_append_new(groups, json_pack("{s:[o], s:o}", "kinds", name, "helpers", helpers));
}

static bool lists(const json_t *list, const json_t *word)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (json_equal(item, word))
			return true;
	}
	return false;
}

static bool all_list(const json_t *groups, const json_t *helper)
{
	size_t i;
	json_t *group;
	json_array_foreach(groups, i, group) {
		if (!lists(json_object_get(group, "helpers"), helper))
			return false;
	}
	return true;
}

/* Most helpers are there for all kinds; they are told once. */
static json_t *take_common(json_t *groups)
{
	json_t *common = json_array(), *helper, *group;
	size_t i, j;
	json_array_foreach(json_object_get(json_array_get(groups, 0), "helpers"), i, helper) {
		if (all_list(groups, helper))
			json_array_append(common, helper);
	}
	json_array_foreach(groups, i, group) {
		json_t *own = json_array();
		json_array_foreach(json_object_get(group, "helpers"), j, helper) {
			if (!lists(common, helper))
				json_array_append(own, helper);
		}
		json_object_set_new(group, "helpers", own);
	}
	return common;
}

/* 0 or less: there is none. */
static int find_target(const struct btf *btf, const char *name)
{
	bool event = !strncmp(name, "btf_trace_", 10);
	return btf ? btf__find_by_name_kind(btf, name, event ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC) : 0;
}

static int probe_kind(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object,
		      const struct kind *kind, json_t *groups, json_t *lacking)
{
	struct probe probe = {.object = object, .kind = kind, .may_all = is_administrator()};
	iov_auto(iov_json_release) json_t *name = name_of(kind);
	if (object && !iov_asks_kind(object, json_string_value(name)))
		return IOV_OK;
	if (kind->target && (probe.target = find_target(btf, kind->target)) <= 0)
		return IOV_OK; /* who knows */
	enum answer answer = takes_program(&probe);
	if (answer == YES)
		add_kind(groups, iov_take(name), helpers_of(&probe));
	else if (answer == NO && is_refusal_telling(kind))
		json_array_append_new(lacking, iov_take(name));
	return iov_stop_asked(ctx);
}

/* ---- hooks of security modules ---- */

static bool asks_hook(const struct iov_object *object, const char *hook)
{
	for (size_t i = 0; object && i < object->n_programs; i++)
		if (!strcmp(object->programs[i].type, "lsm") && strstr(object->programs[i].section, hook))
			return true;
	return !object;
}

static enum answer takes_hook(uint32_t id, bool sleepable)
{
	const struct kind kind = {BPF_PROG_TYPE_LSM, BPF_LSM_MAC, NULL, sleepable};
	struct probe probe = {.kind = &kind, .target = (int)id, .may_all = is_administrator()};
	return takes_program(&probe);
}

/* Hooks that take no programs, and those in which programs may sleep. Where one of the best known takes none, none
 * does. */
static void probe_hooks(const struct btf *btf, const struct iov_object *object, json_t *no_hooks, json_t *sleepable)
{
	int known = btf ? btf__find_by_name_kind(btf, "bpf_lsm_file_open", BTF_KIND_FUNC) : -1;
	if (known <= 0 || takes_hook((uint32_t)known, false) != YES)
		return;
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name = btf_is_func(type) ? btf__name_by_offset(btf, type->name_off) : "";
		if (strncmp(name, "bpf_lsm_", 8) != 0 || !asks_hook(object, name + 8))
			continue;
		if (takes_hook(id, false) == NO)
			json_array_append_new(no_hooks, json_string(name + 8));
		if (takes_hook(id, true) == YES)
			json_array_append_new(sleepable, json_string(name + 8));
	}
}

/* ---- what else programs are given ---- */

/* Does the kernel tell the addresses of its variables? Without one in BTF nobody asks. */
static enum answer gives_variables(const struct btf *btf)
{
	static const struct kind kind = {BPF_PROG_TYPE_TRACEPOINT, NO_ATTACH, NULL, false};
	struct probe probe = {.kind = &kind};
	int id = btf ? btf__find_by_name_kind(btf, "runqueues", BTF_KIND_VAR) : -1;
	const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_BTF_ID, .imm = id},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	if (id <= 0)
		return UNCLEAR;
	int err = load(&probe, insns, IOV_COUNT(insns));
	return !err ? YES : err == -ENOENT ? NO : UNCLEAR;
}

/* Where libbpf looks for values of the configuration. */
static bool has_config(void)
{
	char path[sizeof("/boot/config-") + sizeof(((struct utsname *)0)->release)];
	struct utsname name;
	snprintf(path, sizeof(path), "/boot/config-%s", uname(&name) ? "" : name.release);
	return !access(path, R_OK) || !access("/proc/config.gz", R_OK);
}

static int probe_rest(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object, json_t *ret)
{
	json_t *no_hooks = json_array(), *sleepable = json_array();
	enum answer variables = gives_variables(btf);
	if (json_object_set_new(ret, "no_hooks", no_hooks) || json_object_set_new(ret, "sleepable_hooks", sleepable) ||
	    json_object_set_new(ret, "config", json_boolean(has_config())) ||
	    (variables != UNCLEAR && json_object_set_new(ret, "variables", json_boolean(variables == YES))))
		return iov_oom(ctx);
	probe_hooks(btf, object, no_hooks, sleepable);
	return iov_stop_asked(ctx);
}

static void probe_maps(const struct iov_object *object, json_t *there, json_t *lacking)
{
	for (int type = BPF_MAP_TYPE_UNSPEC + 1; type < MAP_TYPES_END; type++) {
		const char *name = libbpf_bpf_map_type_str((enum bpf_map_type)type);
		bool wanted = name && (!object || iov_asks_map(object, name));
		int answer = wanted ? libbpf_probe_bpf_map_type((enum bpf_map_type)type, NULL) : -1;
		/* libbpf expects another error than some kernels give where they have struct_ops */
		if (answer > 0 || (!answer && type != BPF_MAP_TYPE_STRUCT_OPS))
			json_array_append_new(answer ? there : lacking, json_string(name));
	}
}

bool iov_probe_is_allowed(void)
{
	struct probe probe = {.kind = &kinds[1]};
	iov_libbpf_quiet();
	return takes_program(&probe) == YES;
}

static int may_probe(struct iov_ctx *ctx)
{
	if (iov_probe_is_allowed())
		return IOV_OK;
	return iov_error(
		ctx, IOV_E_PERMISSION,
		"the kernel does not let this process load programs, so what it takes cannot be tried; run this "
		"as root");
}

int iov_probe_kernel(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object, json_t *ret)
{
	json_t *maps = json_array(), *no_maps = json_array(), *programs = json_array(), *no_programs = json_array();
	if (json_object_set_new(ret, "maps", maps) || json_object_set_new(ret, "no_maps", no_maps) ||
	    json_object_set_new(ret, "programs", programs) || json_object_set_new(ret, "no_programs", no_programs))
		return iov_oom(ctx);
	iov_libbpf_quiet();
	int rc = may_probe(ctx);
	if (!rc)
		probe_maps(object, maps, no_maps);
	for (size_t i = 0; !rc && i < IOV_COUNT(kinds); i++)
		rc = probe_kind(ctx, btf, object, &kinds[i], programs, no_programs);
	if (!rc)
		rc = probe_rest(ctx, btf, object, ret);
	if (!rc && json_object_set_new(ret, "helpers", take_common(programs)))
		rc = iov_oom(ctx);
	return rc;
}
