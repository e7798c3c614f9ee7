#include "check/against_needs.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "check/core_lookup.h"
#include "check/features.h"
#include "core/facts.h"
#include "util/cleanup.h"

#define NOT_TRIED                                                                                                      \
	"is known to this kernel, but nobody tried whether it takes it; put what 'iovpkg facts' says there beside "    \
	"its BTF"
#define NOT_HERE "is not in this kernel"
#define PERHAPS_MODULE "is not in the kernel itself; one of its modules may have it"

static const struct iov_finding good = {.verdict = IOV_LOADS};

__attribute__((format(printf, 5, 6))) static struct iov_finding
finding(enum iov_verdict verdict, const char *missing, const char *why, const char *since, const char *format, ...)
{
	struct iov_finding found = {.verdict = verdict, .missing = missing, .why = why, .since = since};
	va_list args;
	va_start(args, format);
	vsnprintf(found.what, sizeof(found.what), format, args);
	va_end(args);
	return found;
}

/* ---- looking ---- */

static bool lists(const json_t *list, const char *word)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		if (json_is_string(item) && !strcmp(json_string_value(item), word))
			return true;
	}
	return false;
}

/* Does an enum of the kernel have PREFIX_WORD? */
static bool enumerates(const struct btf *btf, const char *name, const char *prefix, const char *word, bool upper)
{
	char wanted[IOV_WHAT_MAX];
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;
	snprintf(wanted, sizeof(wanted), "%s%s", prefix, word);
	for (char *at = wanted + strlen(prefix); upper && *at; at++)
		*at = (char)toupper((unsigned char)*at);
	for (unsigned i = 0; type && i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), wanted))
			return true;
	return false;
}

/* What is not in vmlinux may be in a module, unless it is known that there is none. */
static bool has_modules(const struct iov_kernel *kernel)
{
	return !kernel->facts || json_array_size(json_object_get(kernel->facts, "modules"));
}

static enum iov_verdict absent(const struct iov_kernel *kernel, const char **ret_why)
{
	bool modules = has_modules(kernel);
	*ret_why = modules ? PERHAPS_MODULE : NOT_HERE;
	return modules ? IOV_MAY_LOAD : IOV_FAILS;
}

/* ---- kinds of programs ---- */

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

static const json_t *helpers_of(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	size_t i;
	json_t *group;
	json_array_foreach(json_object_get(kernel->facts, "programs"), i, group) {
		if (is_named(json_object_get(group, "kinds"), kind))
			return json_object_get(group, "helpers");
	}
	return NULL;
}

struct iov_finding iov_against_program(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	const char *since = iov_feature_since(IOV_PROGRAM_TYPE, kind->type);
	if (helpers_of(kernel, kind))
		return good;
	if (is_named(json_object_get(kernel->facts, "no_programs"), kind) ||
	    !enumerates(kernel->btf, "bpf_prog_type", "BPF_PROG_TYPE_", kind->type, true))
		return finding(IOV_FAILS, "program type", "is not taken by this kernel", since, "%s", kind->type);
	return finding(IOV_MAY_LOAD, "program type", kernel->facts ? "could not be tried on this kernel" : NOT_TRIED,
		       NULL, "%s", kind->type);
}

/* Where a kernel has no TCX, iovpkg attaches to clsact. */
struct iov_finding iov_against_attach(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	if (!kind->attach || !strncmp(kind->attach, "tcx_", 4) ||
	    enumerates(kernel->btf, "bpf_attach_type", "BPF_", kind->attach, true))
		return good;
	return finding(IOV_FAILS, "attach type", NOT_HERE, iov_feature_since(IOV_ATTACH_TYPE, kind->attach), "%s",
		       kind->attach);
}

/* Programs that the kernel loads for what they attach to: a function or event in its BTF. */
struct iov_finding iov_against_target(const struct iov_kernel *kernel, const struct iov_kind *kind)
{
	static const struct {
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
	char name[IOV_WHAT_MAX];
	const char *why;
	for (size_t i = 0; i < IOV_COUNT(targets) && kind->attach && *kind->target; i++) {
		if (strcmp(targets[i].type, kind->type) != 0 || strcmp(targets[i].attach, kind->attach) != 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", targets[i].prefix, kind->target);
		if (btf__find_by_name_kind(kernel->btf, name, targets[i].btf) > 0)
			return good;
		enum iov_verdict verdict = absent(kernel, &why);
		return finding(verdict, targets[i].btf == BTF_KIND_FUNC ? "function" : "event", why, NULL, "%s",
			       kind->target);
	}
	return good;
}

struct iov_finding iov_against_map(const struct iov_kernel *kernel, const char *type)
{
	if (lists(json_object_get(kernel->facts, "maps"), type))
		return good;
	bool named = strcmp(type, "unknown") != 0; /* what is newer than our libbpf */
	if (lists(json_object_get(kernel->facts, "no_maps"), type) ||
	    (named && !enumerates(kernel->btf, "bpf_map_type", "BPF_MAP_TYPE_", type, true)))
		return finding(IOV_FAILS, "map type", NOT_HERE, iov_feature_since(IOV_MAP_TYPE, type), "%s", type);
	return finding(IOV_MAY_LOAD, "map type", kernel->facts ? "could not be tried on this kernel" : NOT_TRIED, NULL,
		       "%s", type);
}

/* ---- needs ---- */

static struct iov_finding helper(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *name = json_string_value(json_object_get(need, "helper"));
	const json_t *helpers = helpers_of(kernel, kind);
	if (lists(helpers, name) || (helpers && lists(json_object_get(kernel->facts, "helpers"), name)))
		return good;
	const char *since = iov_feature_since(IOV_HELPER, name);
	if (!enumerates(kernel->btf, "bpf_func_id", "BPF_FUNC_", name, false))
		return finding(IOV_FAILS, "helper", NOT_HERE, since, "%s", name);
	if (!helpers)
		return good; /* what is said of the program type says it all */
	struct iov_finding found =
		finding(IOV_FAILS, "helper", "is not there for programs of this type", since, "%s", name);
	found.type = kind->type;
	return found;
}

static struct iov_finding kfunc(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *name = json_string_value(json_object_get(need, "kfunc")), *why;
	(void)kind;
	if (btf__find_by_name_kind(kernel->btf, name, BTF_KIND_FUNC) > 0)
		return finding(IOV_MAY_LOAD, "kfunc",
			       "is there, but whether programs of this type may call it shows when they are loaded",
			       NULL, "%s", name);
	enum iov_verdict verdict = absent(kernel, &why);
	return finding(verdict, "kfunc", why, NULL, "%s", name);
}

static struct iov_finding ksym(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *name = json_string_value(json_object_get(need, "ksym")), *why;
	bool typed = json_is_true(json_object_get(need, "typed"));
	(void)kind;
	if (btf__find_by_name_kind(kernel->btf, name, BTF_KIND_VAR) > 0)
		return good;
	if (!typed)
		return finding(IOV_MAY_LOAD, "symbol", "is looked for in the symbols of the kernel that runs", NULL,
			       "%s", name);
	enum iov_verdict verdict = absent(kernel, &why);
	return finding(verdict, "symbol", why, NULL, "%s", name);
}

/* libbpf makes up those that begin with LINUX_. */
static struct iov_finding config(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *name = json_string_value(json_object_get(need, "config"));
	(void)kernel;
	(void)kind;
	if (!strncmp(name, "LINUX_", 6))
		return good;
	return finding(IOV_MAY_LOAD, "configuration", "is looked for in the configuration of the kernel that runs",
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

static struct iov_finding relocation(const struct iov_kernel *kernel, const struct iov_kind *kind, const json_t *need)
{
	const char *type = json_string_value(json_object_get(need, "type")), *why = NOT_HERE,
		   *field = json_string_value(json_object_get(need, "field")),
		   *part = field ? field : json_string_value(json_object_get(need, "enumerator"));
	(void)kind;
	if (answers(need))
		return good;
	enum iov_lookup found = iov_core_lookup(kernel->btf, kernel->types, need);
	if (found == IOV_LOOKUP_FOUND)
		return good;
	if (found == IOV_LOOKUP_NO_TYPE) {
		enum iov_verdict verdict = absent(kernel, &why);
		return finding(verdict, "type", why, NULL, "%s", type);
	}
	if (found == IOV_LOOKUP_SEVERAL)
		return finding(IOV_MAY_LOAD, "field", "lies at different places in types of one name", NULL, "%s.%s",
			       type, part ? part : "");
	return finding(IOV_FAILS, field ? "field" : "enumerator", NOT_HERE, NULL, "%s.%s", type, part ? part : "");
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
	bool without = json_object_get(need, "asked") || (json_object_get(need, "weak") && strcmp(what, "kfunc") != 0);
	for (size_t i = 0; i < IOV_COUNT(checks) && !without; i++)
		if (!strcmp(checks[i].kind, what))
			return checks[i].check(kernel, kind, need);
	return good;
}

enum iov_verdict iov_against_question(const struct iov_kernel *kernel, const json_t *need)
{
	const char *type = json_string_value(json_object_get(need, "type")),
		   *name = json_string_value(json_object_get(need, "kfunc")), *why;
	if (type) {
		static const enum iov_verdict verdicts[] = {
			[IOV_LOOKUP_FOUND] = IOV_LOADS,
			[IOV_LOOKUP_NO_TYPE] = IOV_FAILS,
			[IOV_LOOKUP_NO_MEMBER] = IOV_FAILS,
			[IOV_LOOKUP_SEVERAL] = IOV_LOADS,
		};
		enum iov_lookup found = iov_core_lookup(kernel->btf, kernel->types, need);
		bool unsure = (found == IOV_LOOKUP_NO_TYPE && has_modules(kernel)) ||
			      !strcmp(json_string_value(json_object_get(need, "relocation")), "type_matches");
		return unsure ? IOV_MAY_LOAD : verdicts[found];
	}
	if (name)
		return btf__find_by_name_kind(kernel->btf, name, BTF_KIND_FUNC) > 0 ? IOV_LOADS : absent(kernel, &why);
	return IOV_MAY_LOAD;
}
