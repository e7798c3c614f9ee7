#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "check/features.h"
#include "check/finding.h"
#include "util/cleanup.h"

/* Somebody may have tried it under one of its names. */
static bool is_named(const json_t *list, const struct iov_kind *kind)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (json_is_string(item) && iov_kind_is_named(kind, json_string_value(item)))
			return true;
	}
	return false;
}

const json_t *iov_helpers_of(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(kernel->facts, "programs"), i, group) {
		if (is_named(json_object_get(group, "kinds"), kind))
			return json_object_get(group, "helpers");
	}
	return NULL;
}

bool iov_is_tried(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	struct iov_kind bare = *kind;
	size_t i, j;
	json_t *group, *name;
	bare.attach = NULL;
	json_array_foreach(json_object_get(kernel->facts, "programs"), i, group) {
		json_array_foreach(json_object_get(group, "kinds"), j, name) {
			if (iov_kind_is_named(kind, json_string_value(name)) &&
			    (!kind->attach || !iov_kind_is_named(&bare, json_string_value(name))))
				return true;
		}
	}
	return false;
}

struct iov_finding iov_against_program(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	const char *since = iov_feature_since(IOV_PROGRAM_TYPE, kind->type);
	if (iov_helpers_of(kernel, kind))
		return iov_finding_good();
	if (is_named(json_object_get(kernel->facts, "no_programs"), kind) ||
	    !iov_enumerates(kernel->btf, "bpf_prog_type", "BPF_PROG_TYPE_", kind->type, true))
		return iov_finding(IOV_FAILS, "program type", "is not taken by this kernel", since, "%s", kind->type);
	return iov_finding(IOV_MAY_LOAD, "program type",
			   kernel->facts ? "could not be tried on this kernel" : IOV_NOT_TRIED, NULL, "%s", kind->type);
}

/* Where a kernel has no TCX, iovpkg attaches to clsact. */
struct iov_finding iov_against_attach(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	if (!kind->attach || !strncmp(kind->attach, "tcx_", 4) ||
	    iov_enumerates(kernel->btf, "bpf_attach_type", "BPF_", kind->attach, true))
		return iov_finding_good();
	return iov_finding(IOV_FAILS, "attach type", IOV_NOT_HERE, iov_feature_since(IOV_ATTACH_TYPE, kind->attach),
			   "%s", kind->attach);
}

/* What programs are loaded for, by their expected attach type: a function or event in BTF. */
static const struct target {
	const char *type, *attach, *prefix;
	uint32_t btf;
} targets[] = {
	{"tracing", "trace_raw_tp", "btf_trace_", BTF_KIND_TYPEDEF},
	{"tracing", "trace_fentry", "", BTF_KIND_FUNC},
	{"tracing", "trace_fexit", "", BTF_KIND_FUNC},
	{"tracing", "modify_return", "", BTF_KIND_FUNC},
	{"tracing", "trace_iter", "bpf_iter_", BTF_KIND_FUNC},
	{"lsm", "lsm_mac", "bpf_lsm_", BTF_KIND_FUNC},
	{"lsm", "lsm_cgroup", "bpf_lsm_", BTF_KIND_FUNC},
};

/* A hook of security modules that is there: some take no programs, and in few they may sleep. */
static struct iov_finding hook(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	const json_t *sleepable = json_object_get(kernel->facts, "sleepable_hooks");
	if (iov_lists(json_object_get(kernel->facts, "no_hooks"), kind->target))
		return iov_finding(IOV_FAILS, "function", "takes no programs in this kernel", NULL, "%s", kind->target);
	if (!kind->sleepable || iov_lists(sleepable, kind->target))
		return iov_finding_good();
	return iov_finding(sleepable ? IOV_FAILS : IOV_MAY_LOAD, "function",
			   sleepable ? "is a hook in which programs must not sleep" : IOV_NOT_TRIED, NULL, "%s",
			   kind->target);
}

/* A function that is there: few may be changed, or slept in. */
static struct iov_finding target(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	bool changes = !strcmp(kind->attach, "modify_return");
	if (!strcmp(kind->type, "lsm"))
		return hook(kernel, kind);
	if (!changes && (!kind->sleepable || !strcmp(kind->attach, "trace_iter")))
		return iov_finding_good();
	return iov_finding(
		IOV_MAY_LOAD, "function",
		changes ? "is there, but whether programs may change what it returns shows when they are loaded"
			: "is there, but whether programs may sleep in it shows when they are loaded",
		NULL, "%s", kind->target);
}

struct iov_finding iov_against_target(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	char name[IOV_WHAT_MAX];
	for (size_t i = 0; i < IOV_COUNT(targets) && kind->attach && *kind->target; i++) {
		if (strcmp(targets[i].type, kind->type) != 0 || strcmp(targets[i].attach, kind->attach) != 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", targets[i].prefix, kind->target);
		if (iov_kernel_find(kernel, name, targets[i].btf, NULL))
			return target(kernel, kind);
		return iov_finding_absent(kernel, targets[i].btf == BTF_KIND_FUNC ? "function" : "event", kind->target);
	}
	return iov_finding_good();
}
