#include "check/against.h"

#include <string.h>

#include "check/finding.h"
#include "check/whole.h"
#include "core/facts.h"
#include "util/cleanup.h"

struct check {
	struct iov_ctx *ctx;
	struct iov_sources *sources; /* NULL: nobody has the file */
	const struct iov_object *object;
	const struct iov_kernel *kernel;
	json_t *needs;			     /* borrowed */
	const struct iov_manifest *manifest; /* NULL: nobody says how the object is used */
	json_t *programs, *reasons;
	bool free_license; /* helpers for the GPL only may be called */
	int rc;
};

static const char *const words[] = {[IOV_LOADS] = "yes", [IOV_MAY_LOAD] = "cannot tell", [IOV_FAILS] = "no"};

const char *iov_verdict_word(enum iov_verdict verdict)
{
	return words[verdict];
}

static enum iov_verdict worse(enum iov_verdict a, enum iov_verdict b)
{
	return a > b ? a : b;
}

/* ---- reasons ---- */

static json_t *sentence(const struct iov_finding *finding, bool certain)
{
	return json_sprintf("%s '%s' %s%s%s%s", finding->noun ? finding->noun : finding->missing, finding->what,
			    finding->why, finding->since ? "; Linux " : "", finding->since ? finding->since : "",
			    certain ? (finding->since ? " brought it" : "")
				    : (finding->since ? " brought it, and only a branch of the program needs it"
						      : ", and only a branch of the program needs it"));
}

/* What the object as a whole lacks has a place only if it is a need. */
static void add_source(struct check *check, const char *program, const json_t *need, json_t *reason)
{
	json_t *source = NULL;
	if (check->sources && !check->rc)
		check->rc = iov_sources_find(check->ctx, check->sources, program, need, &source);
	if (source)
		json_object_set_new(reason, "source", source);
}

/* Several relocations of one instruction, or of one line, ask for the same field. */
static void tell_once(json_t *reasons, json_t *reason)
{
	size_t i;
	json_t *other;
	json_array_foreach(reasons, i, other) {
		if (json_equal(reason, other)) {
			json_decref(reason);
			return;
		}
	}
	json_array_append_new(reasons, reason);
}

/* `program` NULL: of the object as a whole. `need` NULL: it is not about a need. */
static enum iov_verdict add_reason(struct check *check, const char *program, const json_t *need,
				   const struct iov_finding *finding, bool certain)
{
	enum iov_verdict verdict = finding->verdict == IOV_FAILS && !certain ? IOV_MAY_LOAD : finding->verdict;
	if (verdict == IOV_LOADS)
		return verdict;
	json_t *reason =
		json_pack("{s:s, s:s, s:s, s:o}", "verdict", words[verdict], "missing", finding->missing, "what",
			  finding->what, "text", sentence(finding, certain || finding->verdict != IOV_FAILS));
	if (program)
		json_object_set_new(reason, "program", json_string(program));
	if (finding->type)
		json_object_set_new(reason, "type", json_string(finding->type));
	if (finding->since)
		json_object_set_new(reason, "since", json_string(finding->since));
	add_source(check, program, need, reason);
	tell_once(check->reasons, reason);
	return verdict;
}

/* ---- one program ---- */

static const json_t *need_at(const struct check *check, const json_t *number)
{
	return json_array_get(check->needs, (size_t)json_integer_value(number));
}

static struct iov_finding of_license(const char *noun, const char *what, const char *why)
{
	struct iov_finding finding = {.verdict = IOV_FAILS, .missing = "license", .noun = noun, .why = why};
	strncpy(finding.what, what, sizeof(finding.what) - 1);
	return finding;
}

static struct iov_finding look(const struct check *check, const struct iov_kind *kind, const json_t *need)
{
	static const char why[] = "may be called under a GPL-compatible SEC(\"license\") only";
	const char *helper = json_string_value(json_object_get(need, "helper")),
		   *kfunc = json_string_value(json_object_get(need, "kfunc"));
	if (!check->free_license && json_object_get(need, "gpl"))
		return of_license("helper", helper, why);
	if (check->free_license || !kfunc || json_object_get(need, "asked") ||
	    iov_against_question(check->kernel, need) != IOV_LOADS)
		return iov_against_need(check->kernel, kind, need);
	struct iov_finding finding = of_license("kfunc", kfunc, why);
	finding.anywhere = true;
	return finding;
}

/* Some types of programs are for free licenses only. */
static struct iov_finding look_at_license(const struct check *check, const struct iov_kind *kind)
{
	bool strict = !strcmp(kind->type, "lsm") || !strcmp(kind->type, "struct_ops");
	if (!strict || check->free_license)
		return (struct iov_finding){.verdict = IOV_LOADS};
	return of_license("program type", kind->type, "is for programs under a GPL-compatible SEC(\"license\") only");
}

static enum iov_verdict check_list(struct check *check, const struct iov_kind *kind, const char *program,
				   const json_t *numbers, bool certain)
{
	enum iov_verdict verdict = IOV_LOADS;
	size_t i;
	json_t *number;
	json_array_foreach(numbers, i, number) {
		const json_t *need = need_at(check, number);
		struct iov_finding finding = look(check, kind, need);
		verdict = worse(verdict, add_reason(check, program, need, &finding, certain || finding.anywhere));
	}
	return verdict;
}

/* Is one of these needs there, or not there, as `there` says? */
static bool any_is(const struct check *check, const json_t *numbers, enum iov_verdict there)
{
	size_t i;
	json_t *number;
	json_array_foreach(numbers, i, number) {
		if (iov_against_question(check->kernel, need_at(check, number)) == there)
			return true;
	}
	return false;
}

static enum iov_verdict check_guarded(struct check *check, const struct iov_kind *kind, const char *program,
				      const json_t *list)
{
	enum iov_verdict verdict = IOV_LOADS;
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one) {
		const json_t *need = need_at(check, json_object_get(one, "need"));
		struct iov_finding finding = look(check, kind, need);
		bool out = any_is(check, json_object_get(one, "absent"), IOV_FAILS) ||
			   any_is(check, json_object_get(one, "present"), IOV_LOADS);
		if (!out || finding.anywhere)
			verdict = worse(verdict, add_reason(check, program, need, &finding, finding.anywhere));
	}
	return verdict;
}

/* The manifest may attach a program elsewhere than its section says. */
static bool is_elsewhere(const struct check *check, const char *program)
{
	const struct iov_program_spec *spec = check->manifest ? iov_manifest_program(check->manifest, program) : NULL;
	return spec && spec->target;
}

static void check_program(struct check *check, const json_t *group, const char *name, const json_t *target)
{
	const struct iov_object_program *program = iov_object_find_program(check->object, name);
	struct iov_kind kind = iov_kind_of(program, group, target);
	if (is_elsewhere(check, name))
		kind.target = "";
	const struct iov_finding findings[] = {
		iov_against_program(check->kernel, &kind),
		iov_against_attach(check->kernel, &kind),
		iov_against_target(check->kernel, &kind),
		look_at_license(check, &kind),
	};
	enum iov_verdict verdict = IOV_LOADS;
	size_t count = findings[0].verdict == IOV_FAILS ? 1 : IOV_COUNT(findings);
	for (size_t i = 0; i < count; i++)
		verdict = worse(verdict, add_reason(check, name, NULL, &findings[i], true));
	if (count > 1) {
		verdict = worse(verdict, check_list(check, &kind, name, json_object_get(group, "always"), true));
		verdict = worse(verdict, check_list(check, &kind, name, json_object_get(group, "sometimes"), false));
		verdict = worse(verdict, check_guarded(check, &kind, name, json_object_get(group, "guarded")));
	}
	json_object_set_new(check->programs, name, json_string(words[verdict]));
}

static void check_programs(struct check *check)
{
	size_t i;
	json_t *group, *target;
	const char *name;
	json_array_foreach(json_object_get(check->object->facts, "programs"), i, group) {
		json_object_foreach(json_object_get(group, "names"), name, target) {
			if (iov_object_find_program(check->object, name))
				check_program(check, group, name, target);
		}
	}
}

/* ---- the object as a whole ---- */

static void check_map(struct check *check, const char *type, uint32_t flags)
{
	struct iov_finding finding = iov_against_map(check->kernel, type);
	if (finding.verdict != IOV_FAILS) {
		struct iov_finding more = iov_against_map_flags(check->kernel, type, flags);
		add_reason(check, NULL, NULL, &more, true);
	}
	add_reason(check, NULL, NULL, &finding, true);
}

static void check_maps(struct check *check)
{
	for (size_t i = 0; i < check->object->n_maps; i++) {
		const struct iov_object_map *map = &check->object->maps[i];
		const json_t *inner = json_object_get(map->layout, "inner");
		check_map(check, map->type, map->flags);
		if (inner)
			check_map(check, json_string_value(json_object_get(inner, "type")),
				  (uint32_t)json_integer_value(json_object_get(inner, "flags")));
	}
}

/* A name that the object cannot do without fails all of its programs: libbpf finds none, and gives up. */
static void check_externs(struct check *check)
{
	static const struct iov_kind nobody = {.type = "", .target = ""};
	size_t i;
	json_t *need;
	json_array_foreach(check->needs, i, need) {
		bool strong = json_object_get(need, "config") || json_object_get(need, "typed") ||
			      (!json_object_get(need, "weak") && !json_object_get(need, "helper") &&
			       !json_object_get(need, "relocation"));
		bool there = json_object_get(need, "kfunc") &&
			     iov_against_question(check->kernel, need) == IOV_LOADS; /* each program is asked of */
		if (!strong || there)
			continue;
		struct iov_finding finding = iov_against_need(check->kernel, &nobody, need);
		if (!finding.anywhere) /* that is for the programs which it is in */
			add_reason(check, NULL, need, &finding, true);
	}
}

static void check_known(struct check *check)
{
	static const struct iov_finding none = {.verdict = IOV_MAY_LOAD,
						.missing = "facts",
						.what = "object",
						.why = "was published by an iovpkg that did not write them down"};
	if (!check->object->facts && check->object->n_programs)
		add_reason(check, NULL, NULL, &none, true);
}

/* As the kernel compares it, which knows no others (linux: include/linux/license.h). */
static bool is_gpl(const char *license)
{
	static const char *const texts[] = {"GPL",	    "GPL v2",	    "GPL and additional rights",
					    "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"};
	for (size_t i = 0; i < IOV_COUNT(texts); i++)
		if (!strcmp(license, texts[i]))
			return true;
	return false;
}

int iov_check_against(struct iov_ctx *ctx, const struct iov_object *object, const struct iov_manifest *manifest,
		      const struct iov_kernel *kernel, struct iov_sources *sources, enum iov_verdict *ret_verdict,
		      json_t **ret)
{
	iov_auto(iov_json_release) json_t *programs = json_object();
	iov_auto(iov_json_release) json_t *reasons = json_array();
	struct check check = {
		.ctx = ctx,
		.sources = sources,
		.object = object,
		.manifest = manifest,
		.kernel = kernel,
		.needs = json_object_get(object->facts, "needs"),
		.programs = programs,
		.reasons = reasons,
		.free_license = is_gpl(object->license),
	};
	check_known(&check);
	check_maps(&check);
	check_externs(&check);
	check_programs(&check);
	if (check.rc)
		return check.rc;
	enum iov_verdict verdict = iov_whole(object, manifest, reasons);
	json_t *answer = json_pack("{s:s, s:s, s:O, s:O}", "kernel", kernel->name, "verdict", words[verdict],
				   "programs", programs, "reasons", reasons);
	if (!answer)
		return iov_oom(ctx);
	*ret_verdict = verdict;
	*ret = answer;
	return IOV_OK;
}
