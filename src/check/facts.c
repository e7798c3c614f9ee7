#include "check/facts.h"

#include <bpf/libbpf.h>
#include <string.h>

#include "check/dissect.h"
#include "util/cleanup.h"

struct reader {
	struct iov_ctx *ctx;
	struct iov_dissected object;
	struct iov_reach *reach; /* of one program, for each need */
	json_t *groups;
};

static void reader_release(struct reader *reader)
{
	free(reader->reach);
	json_decref(reader->groups);
	iov_dissected_release(&reader->object);
}

/* ---- what SEC() says ---- */

/* Sections whose second part names what the program attaches to. ".s" and the like may follow. */
static const char *const targeted[] = {
	"fentry",      "fexit",	   "fmod_ret",	 "freplace",   "iter",	    "kprobe",	      "kretprobe",
	"kretsyscall", "ksyscall", "lsm",	 "lsm_cgroup", "raw_tp",    "raw_tracepoint", "struct_ops",
	"tp",	       "tp_btf",   "tracepoint", "uprobe",     "uretprobe", "usdt",
};

static const char *target_of(const char *section)
{
	const char *slash = strchr(section, '/');
	size_t len = strcspn(section, "./+");
	for (size_t i = 0; slash && i < IOV_COUNT(targeted); i++)
		if (strlen(targeted[i]) == len && !strncmp(section, targeted[i], len))
			return slash + 1;
	return "";
}

/* Is `word` one of the parts with a dot, before the slash? "lsm.s/file_open", "xdp.frags/devmap". */
static bool says(const char *section, const char *word)
{
	size_t len = strlen(word), prefix = strcspn(section, "/");
	for (size_t i = 0; i + len <= prefix; i++)
		if (!strncmp(section + i, word, len) && (i + len == prefix || section[i + len] == '.'))
			return true;
	return false;
}

/* 0 is the first of the attach types, and also what a program has that needs none. */
static const char *attach_of(const struct bpf_program *program)
{
	enum bpf_attach_type type = bpf_program__expected_attach_type(program);
	bool none = !type && bpf_program__type(program) != BPF_PROG_TYPE_CGROUP_SKB;
	return none ? NULL : libbpf_bpf_attach_type_str(type);
}

/* ---- groups of programs that ask for the same ---- */

static void put_number(json_t *group, const char *list, uint32_t number)
{
	json_t *numbers = json_object_get(group, list);
	if (!numbers)
		json_object_set_new(group, list, numbers = json_array());
	json_array_append_new(numbers, json_integer(number));
}

static void put_guarded(json_t *group, uint32_t number, const struct iov_reach *reach)
{
	json_t *guarded = json_object_get(group, "guarded"), *one = json_pack("{s:i}", "need", (int)number);
	for (unsigned i = 0; i < reach->count; i++)
		put_number(one, reach->conditions[i].present ? "present" : "absent", reach->conditions[i].need);
	if (!guarded)
		json_object_set_new(group, "guarded", guarded = json_array());
	json_array_append_new(guarded, one);
}

static void put_needs(const struct reader *reader, json_t *group)
{
	for (uint32_t i = 0; i < reader->object.needs.count; i++) {
		const struct iov_reach *reach = &reader->reach[i];
		if (!reach->seen)
			continue;
		if (reach->count && !reach->certain)
			put_guarded(group, i, reach);
		else
			put_number(group, reach->certain ? "always" : "sometimes", i);
	}
}

static json_t *describe_program(const struct reader *reader, const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program), *attach = attach_of(program);
	json_t *group = json_object();
	if (attach)
		json_object_set_new(group, "attach", json_string(attach));
	if (says(section, ".s") || !strcmp(section, "syscall"))
		json_object_set_new(group, "sleepable", json_true());
	if (says(section, ".frags"))
		json_object_set_new(group, "frags", json_true());
	put_needs(reader, group);
	return group;
}

/* Takes the reference of `group`, which has no names yet. */
static int add_to_group(const struct reader *reader, json_t *group, const char *name, const char *target)
{
	size_t i;
	json_t *found, *names = NULL;
	json_array_foreach(reader->groups, i, found) {
		iov_auto(iov_json_release) json_t *nameless = json_copy(found);
		json_object_del(nameless, "names");
		if (json_equal(nameless, group))
			names = json_object_get(found, "names");
	}
	if (!names) {
		names = json_object();
		json_object_set_new(group, "names", names);
		json_array_append(reader->groups, group);
	}
	json_decref(group);
	return json_object_set_new(names, name, json_string(target)) ? iov_oom(reader->ctx) : IOV_OK;
}

static int add_program(const struct reader *reader, const struct bpf_program *program)
{
	const char *name = bpf_program__name(program);
	int rc = iov_dissected_reach(reader->ctx, &reader->object, name, reader->reach);
	if (rc)
		return rc;
	return add_to_group(reader, describe_program(reader, program), name,
			    target_of(bpf_program__section_name(program)));
}

static json_t *needs_of(const struct iov_needs *needs)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < needs->count; i++)
		json_array_append(list, needs->items[i].json);
	return list;
}

int iov_check_facts(struct iov_ctx *ctx, const struct bpf_object *object, const char *path, json_t **ret)
{
	iov_auto(reader_release) struct reader reader = {.ctx = ctx, .groups = json_array()};
	struct bpf_program *program;
	int rc = iov_dissect(ctx, path, &reader.object);
	if (rc)
		return rc;
	reader.reach = calloc(reader.object.needs.count + 1, sizeof(*reader.reach));
	if (!reader.reach || !reader.groups)
		return iov_oom(ctx);
	bpf_object__for_each_program(program, object) {
		if ((rc = add_program(&reader, program)))
			return rc;
	}
	*ret = json_pack("{s:o, s:O}", "needs", needs_of(&reader.object.needs), "programs", reader.groups);
	return *ret ? IOV_OK : iov_oom(ctx);
}
