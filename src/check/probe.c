#include "check/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "check/features.h"
#include "check/kinds.h"
#include "check/trial.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

#define NO_ATTACH IOV_TRIAL_NO_ATTACH
#define MAP_TYPES_END 256 /* libbpf has names for fewer */

/* Of Linux 6.7: headers may be older. */
enum { UNIX_CONNECT = 49, UNIX_SENDMSG, UNIX_RECVMSG, UNIX_GETPEERNAME, UNIX_GETSOCKNAME };

/* Kinds of programs whose helpers differ. Some attach to a function or event that every kernel with BTF has. */
static const struct iov_trial_kind kinds[] = {
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

/* What is tried, and what comes out. */
struct probe {
	struct iov_ctx *ctx;
	const struct btf *btf;		 /* NULL: none */
	const struct iov_object *object; /* NULL: try everything */
	json_t *groups, *lacking;	 /* kinds of programs that load, and that do not; borrowed */
	json_t *odd;			 /* functions of which it cannot be told who may call them; borrowed */
	uint32_t *kfuncs;		 /* NULL: this kernel does not say which they are */
	size_t n_kfuncs;
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

static enum iov_answer takes_helper(struct iov_trial *trial, uint32_t helper)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = (int32_t)helper},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int err = iov_trial_load(trial, insns, IOV_COUNT(insns));
	if (!err)
		return IOV_ANSWER_YES;
	return lacks_helper(trial->log) ? IOV_ANSWER_NO : *trial->log ? IOV_ANSWER_YES : IOV_ANSWER_UNCLEAR;
}

/* Which functions programs may sleep in, differs from kernel to kernel: the one that is tried may be the wrong one. */
static bool is_refusal_telling(const struct iov_trial_kind *kind)
{
	return !(kind->type == BPF_PROG_TYPE_TRACING && kind->sleepable);
}

/* "tracing/trace_fentry.s" */
static json_t *name_of(const struct iov_trial_kind *kind)
{
	const char *attach =
		kind->attach == NO_ATTACH ? NULL : libbpf_bpf_attach_type_str((enum bpf_attach_type)kind->attach);
	return json_sprintf("%s%s%s%s", libbpf_bpf_prog_type_str(kind->type), attach ? "/" : "", attach ? attach : "",
			    kind->sleepable && kind->type != BPF_PROG_TYPE_SYSCALL ? ".s" : "");
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

static void add_kfunc(const struct probe *probe, struct iov_trial *trial, uint32_t id, json_t *helpers)
{
	const struct btf_type *type = btf__type_by_id(probe->btf, id);
	enum iov_answer answer = iov_trial_kfunc(trial, id);
	iov_auto(iov_json_release) json_t *name = json_string(btf__name_by_offset(probe->btf, type->name_off));
	if (answer == IOV_ANSWER_YES)
		json_array_append_new(helpers, json_sprintf("kfunc %s", json_string_value(name)));
	else if (answer == IOV_ANSWER_UNCLEAR && !lists(probe->odd, name))
		json_array_append(probe->odd, name);
}

static json_t *helpers_of(const struct probe *probe, struct iov_trial *trial)
{
	json_t *helpers = json_array();
	for (uint32_t i = 1; i < IOV_HELPERS; i++) {
		const char *name = iov_helper_by_id(i)->name;
		if ((!probe->object || iov_asks_helper(probe->object, name)) &&
		    takes_helper(trial, i) == IOV_ANSWER_YES)
			json_array_append_new(helpers, json_string(name));
	}
	for (size_t i = 0; i < probe->n_kfuncs; i++)
		add_kfunc(probe, trial, probe->kfuncs[i], helpers);
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

static int probe_kind(const struct probe *probe, const struct iov_trial_kind *kind)
{
	struct iov_trial trial = {.kind = kind, .may_all = iov_trial_may_all()};
	iov_auto(iov_json_release) json_t *name = name_of(kind);
	if (probe->object && !iov_asks_kind(probe->object, json_string_value(name)))
		return IOV_OK;
	if (kind->target && (trial.target = find_target(probe->btf, kind->target)) <= 0)
		return IOV_OK; /* who knows */
	enum iov_answer answer = iov_trial_program(&trial);
	if (answer == IOV_ANSWER_YES)
		add_kind(probe->groups, iov_take(name), helpers_of(probe, &trial));
	else if (answer == IOV_ANSWER_NO && is_refusal_telling(kind))
		json_array_append_new(probe->lacking, iov_take(name));
	return iov_stop_asked(probe->ctx);
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
	struct iov_trial trial = {.kind = &kinds[1]};
	iov_libbpf_quiet();
	return iov_trial_program(&trial) == IOV_ANSWER_YES;
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

static int probe_programs(struct probe *probe, json_t *ret)
{
	int rc = IOV_OK;
	if (json_object_set_new(ret, "programs", probe->groups = json_array()) ||
	    json_object_set_new(ret, "no_programs", probe->lacking = json_array()) ||
	    (probe->kfuncs && json_object_set_new(ret, "odd_kfuncs", probe->odd = json_array())))
		return iov_oom(probe->ctx);
	for (size_t i = 0; !rc && i < IOV_COUNT(kinds); i++)
		rc = probe_kind(probe, &kinds[i]);
	if (!rc && json_object_set_new(ret, "helpers", take_common(probe->groups)))
		rc = iov_oom(probe->ctx);
	return rc;
}

int iov_probe_kernel(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object, json_t *ret)
{
	struct probe probe = {.ctx = ctx, .btf = btf, .object = object};
	json_t *maps = json_array(), *no_maps = json_array();
	if (json_object_set_new(ret, "maps", maps) || json_object_set_new(ret, "no_maps", no_maps))
		return iov_oom(ctx);
	iov_libbpf_quiet();
	int rc = may_probe(ctx);
	if (!rc)
		probe_maps(object, maps, no_maps);
	probe.kfuncs = rc ? NULL : iov_trial_find_kfuncs(btf, object, &probe.n_kfuncs);
	if (!rc)
		rc = probe_programs(&probe, ret);
	free(probe.kfuncs);
	return rc ? rc : iov_trial_rest(ctx, btf, object, ret);
}
