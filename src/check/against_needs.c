#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "check/core_lookup.h"
#include "check/features.h"
#include "check/finding.h"
#include "check/flavor.h"
#include "check/signature.h"
#include "core/facts.h"
#include "util/cleanup.h"

/* Helpers that the kernel gives to programs at some functions only, by a list of its own. */
static bool hangs_on_target(const struct iov_kind *kind, const char *helper)
{
	static const struct {
		const char *type, *helper;
	} ones[] = {
		{"tracing", "d_path"}, {"lsm", "d_path"},	  {"lsm", "setsockopt"},
		{"lsm", "getsockopt"}, {"tracing", "setsockopt"}, {"tracing", "getsockopt"},
	};
	for (size_t i = 0; i < IOV_COUNT(ones); i++)
		if (!strcmp(ones[i].type, kind->type) && !strcmp(ones[i].helper, helper))
			return true;
	return false;
}

static struct iov_finding helper(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *name = json_string_value(json_object_get(need, "helper"));
	const json_t *helpers = iov_helpers_of(kernel, kind);
	if (hangs_on_target(kind, name) && iov_enumerates(kernel->btf, "bpf_func_id", "BPF_FUNC_", name, false))
		return iov_finding(IOV_MAY_LOAD, "helper", "is there for programs at some functions only", NULL, "%s",
				   name);
	if (iov_lists(helpers, name) || (helpers && iov_lists(json_object_get(kernel->facts, "helpers"), name)))
		return iov_finding_good();
	const char *since = iov_feature_since(IOV_HELPER, name);
	if (!iov_enumerates(kernel->btf, "bpf_func_id", "BPF_FUNC_", name, false))
		return iov_finding(IOV_FAILS, "helper", IOV_NOT_HERE, since, "%s", name);
	if (!helpers)
		return iov_finding_good(); /* what is said of the program type says it all */
	struct iov_finding found =
		iov_finding(IOV_FAILS, "helper", "is not there for programs of this type", since, "%s", name);
	found.type = kind->type;
	return found;
}

/* What the kernel has under a name, without flavor, of a kind and, where the facts tell, of a type. */
static enum iov_lookup find_named(const struct iov_kernel *kernel, const char *name, uint32_t kind, const json_t *need)
{
	char bare[IOV_WHAT_MAX];
	const char *is = json_string_value(json_object_get(need, "is"));
	snprintf(bare, sizeof(bare), "%.*s", (int)(kind == BTF_KIND_FUNC ? iov_essential_len(name) : strlen(name)),
		 name);
	const struct btf *btf = NULL;
	uint32_t id = iov_kernel_find(kernel, bare, kind, &btf);
	if (!id)
		return IOV_LOOKUP_NO_TYPE;
	iov_auto(iov_free_ptr) char *signature = iov_signature(btf, id);
	return is && signature && strcmp(is, signature) != 0 ? IOV_LOOKUP_NO_MEMBER : IOV_LOOKUP_FOUND;
}

/* A function that is there: may programs of this kind call it? */
static struct iov_finding kfunc_there(const struct iov_kernel *kernel, const struct iov_kind *kind, const char *name)
{
	char bare[IOV_WHAT_MAX], word[IOV_WHAT_MAX + 8];
	const json_t *helpers = iov_helpers_of(kernel, kind), *odd = json_object_get(kernel->facts, "odd_kfuncs");
	snprintf(bare, sizeof(bare), "%.*s", (int)iov_essential_len(name), name);
	snprintf(word, sizeof(word), "kfunc %s", bare);
	bool own = btf__find_by_name_kind(kernel->btf, bare, BTF_KIND_FUNC) > 0;
	if (iov_lists(helpers, word) || (helpers && iov_lists(json_object_get(kernel->facts, "helpers"), word)))
		return iov_finding_good();
	if (!helpers || !odd || !own || iov_lists(odd, bare) || !iov_is_tried(kernel, kind))
		return iov_finding(IOV_MAY_LOAD, "kfunc",
				   "is there, but whether programs of this type may call it shows when they are loaded",
				   NULL, "%s", name);
	struct iov_finding found =
		iov_finding(IOV_FAILS, "kfunc", "is not there for programs of this type", NULL, "%s", name);
	found.type = kind->type;
	return found;
}

static struct iov_finding kfunc(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *name = json_string_value(json_object_get(need, "kfunc"));
	enum iov_lookup found = find_named(kernel, name, BTF_KIND_FUNC, need);
	if (found == IOV_LOOKUP_FOUND)
		return kfunc_there(kernel, kind, name);
	if (found == IOV_LOOKUP_NO_MEMBER)
		return iov_finding(IOV_FAILS, "kfunc", "has other parameters in this kernel", NULL, "%s", name);
	return iov_finding_absent(kernel, "kfunc", name);
}

/* A variable that is there: does the kernel give programs its address? */
static struct iov_finding variable(const struct iov_kernel *kernel, const char *name)
{
	const json_t *tried = json_object_get(kernel->facts, "variables");
	if (json_is_true(tried))
		return iov_finding_good();
	struct iov_finding found =
		iov_finding(tried ? IOV_FAILS : IOV_MAY_LOAD, "symbol",
			    tried ? "has no address that this kernel tells (CONFIG_KALLSYMS_ALL)" : IOV_NOT_TRIED, NULL,
			    "%s", name);
	found.anywhere = true;
	return found;
}

static struct iov_finding ksym(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *name = json_string_value(json_object_get(need, "ksym"));
	bool typed = json_is_true(json_object_get(need, "typed")), weak = json_object_get(need, "weak");
	(void)kind;
	if (!typed)
		return weak ? iov_finding_good()
			    : iov_finding(IOV_MAY_LOAD, "symbol",
					  "is looked for in the symbols of the kernel that runs", NULL, "%s", name);
	enum iov_lookup found = find_named(kernel, name, BTF_KIND_VAR, need);
	if (found == IOV_LOOKUP_FOUND)
		return variable(kernel, name);
	if (found == IOV_LOOKUP_NO_MEMBER)
		return iov_finding(IOV_FAILS, "symbol", "is of another type in this kernel", NULL, "%s", name);
	if (weak)
		return iov_finding_good();
	return iov_finding_absent(kernel, "symbol", name);
}

/* libbpf makes some up, and reads the others from a file of the host, which has to be there even for weak ones. */
static struct iov_finding config(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	static const char *const made_up[] = {"LINUX_KERNEL_VERSION", "LINUX_HAS_BPF_COOKIE",
					      "LINUX_HAS_SYSCALL_WRAPPER"};
	const char *name = json_string_value(json_object_get(need, "config"));
	const json_t *readable = json_object_get(kernel->facts, "config");
	bool weak = json_object_get(need, "weak");
	(void)kind;
	for (size_t i = 0; i < IOV_COUNT(made_up); i++)
		if (!strcmp(name, made_up[i]))
			return iov_finding_good();
	if (strncmp(name, "CONFIG_", 7) != 0)
		return weak ? iov_finding_good()
			    : iov_finding(IOV_FAILS, "configuration", "is no value of libbpf's", NULL, "%s", name);
	if (readable && !json_is_true(readable))
		return iov_finding(IOV_FAILS, "configuration",
				   "cannot be read: that host has neither /proc/config.gz nor /boot/config-RELEASE",
				   NULL, "%s", name);
	if (weak && readable)
		return iov_finding_good();
	return iov_finding(IOV_MAY_LOAD, "configuration", "is looked for in the configuration of the kernel that runs",
			   NULL, "%s", name);
}

/* Relocations that give 0 for what is not there. */
static bool answers(const json_t *need)
{
	static const char *const names[] = {"field_exists", "type_exists", "enumval_exists",
					    "type_matches", "type_size",   "target_type_id"};
	const char *name = json_string_value(json_object_get(need, "relocation"));
	for (size_t i = 0; i < IOV_COUNT(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static struct iov_finding several(const char *type, const char *part)
{
	struct iov_finding found = iov_finding(IOV_MAY_LOAD, part ? "field" : "type",
					       part ? "lies at different places in types of one name"
						    : "is the name of several types in this kernel",
					       NULL, "%s%s%s", type, part ? "." : "", part ? part : "");
	found.anywhere = true;
	return found;
}

static struct iov_finding relocation(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *type = json_string_value(json_object_get(need, "type")),
		   *field = json_string_value(json_object_get(need, "field")),
		   *part = field ? field : json_string_value(json_object_get(need, "enumerator"));
	enum iov_lookup found = iov_core_lookup(kernel, need);
	(void)kind;
	if (found == IOV_LOOKUP_SEVERAL)
		return several(type, part);
	if (found == IOV_LOOKUP_FOUND || answers(need))
		return iov_finding_good();
	if (found == IOV_LOOKUP_SIZE)
		return iov_finding(IOV_FAILS, "field",
				   "has another size in this kernel, and the program loads it as it is", NULL, "%s.%s",
				   type, part);
	if (found == IOV_LOOKUP_NO_TYPE)
		return iov_finding_absent(kernel, "type", type);
	return iov_finding(IOV_FAILS, field ? "field" : "enumerator", IOV_NOT_HERE, NULL, "%s.%s", type,
			   part ? part : "");
}

static const struct {
	const char *kind;
	struct iov_finding (*check)(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need);
} checks[] = {
	{"helper", helper}, {"kfunc", kfunc}, {"ksym", ksym}, {"config", config}, {"relocation", relocation},
};

struct iov_finding iov_against_need(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *what = iov_facts_kind(need);
	bool without = json_object_get(need, "asked") && !strcmp(what, "kfunc");
	for (size_t i = 0; i < IOV_COUNT(checks) && !without; i++)
		if (!strcmp(checks[i].kind, what))
			return checks[i].check(kernel, kind, need);
	return iov_finding_good();
}

enum iov_verdict iov_against_question(const struct iov_kernel *kernel, const json_t *need)
{
	static const enum iov_verdict verdicts[] = {
		[IOV_LOOKUP_FOUND] = IOV_LOADS,	    [IOV_LOOKUP_SIZE] = IOV_LOADS,    [IOV_LOOKUP_NO_TYPE] = IOV_FAILS,
		[IOV_LOOKUP_NO_MEMBER] = IOV_FAILS, [IOV_LOOKUP_SEVERAL] = IOV_LOADS,
	};
	const char *name = json_string_value(json_object_get(need, "kfunc")),
		   *relocation = json_string_value(json_object_get(need, "relocation"));
	if (!name && !relocation)
		return IOV_MAY_LOAD;
	enum iov_lookup found = name ? find_named(kernel, name, BTF_KIND_FUNC, need) : iov_core_lookup(kernel, need);
	bool unsure = (found == IOV_LOOKUP_NO_TYPE && !iov_kernel_is_all(kernel)) ||
		      (relocation && !strcmp(relocation, "type_matches"));
	return unsure ? IOV_MAY_LOAD : verdicts[found];
}
