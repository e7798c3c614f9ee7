/*
 * What `check` says of every object of tests/objects, against what the running kernel does with it: a yes must load, a
 * no must not. Prints how many there are of each.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check/against.h"
#include "check/check.h"
#include "live.h"
#include "unit.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define CANNOT_TELL_ONE_IN 6

struct counts {
	unsigned of[IOV_FAILS + 1];
};

struct verdicts {
	struct iov_ctx *ctx;
	bool brief; /* of the kernel only what each object asks is tried: all of it takes a minute in a guest */
	struct iov_kernel running, copied;
	struct counts objects, programs;
	unsigned wrong;
};

/* ---- what the kernel does ---- */

/* Loads the programs of the object that `wanted` says; true: it does. */
static bool loads(const char *path, bool (*wanted)(const void *data, const struct bpf_program *program),
		  const void *data)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	ck_assert_ptr_nonnull(object);
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, wanted(data, program));
	}
	bool loaded = !bpf_object__load(object);
	bpf_object__close(object);
	return loaded;
}

static bool is_named(const void *data, const struct bpf_program *program)
{
	return !strcmp(bpf_program__name(program), data);
}

static bool is_autoloaded(const void *data, const struct bpf_program *program)
{
	(void)data;
	return bpf_program__autoload(program);
}

/* The answer says yes to it. */
static bool is_yes(const void *data, const struct bpf_program *program)
{
	const char *said = json_string_value(json_object_get(data, bpf_program__name(program)));
	return said && !strcmp(said, "yes");
}

/* Programs load whose attach type the kernel does not know; then it does not attach them. */
static bool attaches(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, is_named(name, program));
	}
	ck_assert_int_eq(bpf_object__load(object), 0);
	program = bpf_object__find_program_by_name(object, name);
	int link = bpf_link_create(bpf_program__fd(program), 1, bpf_program__expected_attach_type(program), NULL);
	if (link >= 0)
		close(link);
	bpf_object__close(object);
	return link >= 0;
}

/* ---- what was said ---- */

static enum iov_verdict verdict_of(const char *word)
{
	return !strcmp(word, "yes") ? IOV_LOADS : !strcmp(word, "no") ? IOV_FAILS : IOV_MAY_LOAD;
}

static void report(struct verdicts *all, const char *object, const char *program, const char *said, const char *text)
{
	all->wrong++;
	printf("# %s%s%s: said %s, %s\n", object, *program ? ", " : "", program, said, text);
}

static bool is_of(const json_t *reason, const char *program)
{
	const char *name = json_string_value(json_object_get(reason, "program"));
	return name ? !strcmp(name, program) : !*program;
}

/* Is the attach type all that is said against the program? */
static bool is_attach_type_alone(const json_t *reasons, const char *program)
{
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		const char *missing = json_string_value(json_object_get(reason, "missing"));
		if (is_of(reason, program) && strcmp(missing, "attach type") != 0)
			return false;
	}
	return true;
}

static bool has_reason(const json_t *reasons, const char *program, const char *verdict)
{
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		if (is_of(reason, program) && !strcmp(json_string_value(json_object_get(reason, "verdict")), verdict))
			return true;
	}
	return false;
}

static void tell_reasons(const json_t *reasons, const char *object, const char *verdict)
{
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		const char *program = json_string_value(json_object_get(reason, "program"));
		if (!strcmp(json_string_value(json_object_get(reason, "verdict")), verdict))
			printf("# %s%s%s: %s: %s\n", object, program ? ", " : "", program ? program : "", verdict,
			       json_string_value(json_object_get(reason, "text")));
	}
}

/* ---- one against the other ---- */

static void check_no(struct verdicts *all, const char *object, const char *path, const json_t *reasons,
		     const char *program)
{
	if (!loads(path, is_named, program))
		return;
	if (!is_attach_type_alone(reasons, program) || attaches(path, program))
		report(all, object, program, "no", "but it loads");
}

/* All of one object at once where they are as said, for time is dear in guests. */
static void check_programs(struct verdicts *all, const char *object, const char *path, const json_t *programs,
			   const json_t *reasons)
{
	const char *name;
	json_t *word;
	bool together = loads(path, is_yes, programs);
	json_object_foreach((json_t *)programs, name, word) {
		enum iov_verdict said = verdict_of(json_string_value(word));
		all->programs.of[said]++;
		if (said == IOV_LOADS && !together && !loads(path, is_named, name))
			report(all, object, name, "yes", "but it does not load");
		else if (said == IOV_FAILS)
			check_no(all, object, path, reasons, name);
	}
}

static bool is_all_yes(const json_t *programs)
{
	const char *name;
	json_t *word;
	json_object_foreach((json_t *)programs, name, word) {
		if (strcmp(json_string_value(word), "yes") != 0)
			return false;
	}
	return true;
}

/* A reason against all of the object tells nothing of the programs that it has. Where all programs are a yes, they are
 * loaded together anyway. */
static void check_whole(struct verdicts *all, const char *object, const char *path, enum iov_verdict verdict,
			const json_t *answer)
{
	const json_t *reasons = json_object_get(answer, "reasons");
	bool certain = verdict == IOV_LOADS ? !is_all_yes(json_object_get(answer, "programs"))
					    : verdict == IOV_FAILS && has_reason(reasons, "", "no");
	if (certain && loads(path, is_autoloaded, NULL) != (verdict == IOV_LOADS))
		report(all, object, "", iov_verdict_word(verdict), "which is wrong");
}

static void check_same(struct verdicts *all, const char *name, const struct iov_object *object, const json_t *answer)
{
	iov_auto(iov_json_release) json_t *copied = NULL;
	enum iov_verdict verdict;
	unit_ok(all->ctx, iov_check_against(all->ctx, object, NULL, &all->copied, NULL, &verdict, &copied));
	if (!json_equal(answer, copied))
		report(all, name, "", "one thing of the kernel", "and another of a copy of its facts");
}

/* The verifier refuses it on every kernel, and a yes says nothing of that. */
static bool is_exempt(const char *name)
{
	return !strcmp(name, "rejected");
}

static char *module_path(const void *data, const char *module)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", (const char *)data, module) < 0 ? NULL : path;
}

/* As the resolver does, but with the types of modules. */
static void try_asked(struct verdicts *all, const struct iov_object *object)
{
	unit_ok(all->ctx, iov_kernel_try(all->ctx, object, &all->running));
	if (!all->running.modules)
		unit_ok(all->ctx, iov_kernel_read_modules(all->ctx, &all->running, module_path, "/sys/kernel/btf"));
}

static void check_object(struct verdicts *all, const char *name)
{
	const char *path = live_object(name);
	struct iov_object *object = NULL;
	iov_auto(iov_json_release) json_t *answer = NULL;
	enum iov_verdict verdict;
	unit_ok(all->ctx, iov_check_object(all->ctx, path, &object));
	if (all->brief)
		try_asked(all, object);
	unit_ok(all->ctx, iov_check_against(all->ctx, object, NULL, &all->running, NULL, &verdict, &answer));
	const json_t *reasons = json_object_get(answer, "reasons");
	if (!all->brief)
		check_same(all, name, object, answer);
	all->objects.of[verdict]++;
	tell_reasons(reasons, name, "cannot tell");
	unsigned wrong = all->wrong;
	if (!is_exempt(name)) {
		check_whole(all, name, path, verdict, answer);
		if (!has_reason(reasons, "", "no") && !has_reason(reasons, "", "cannot tell"))
			check_programs(all, name, path, json_object_get(answer, "programs"), reasons);
	}
	if (all->wrong != wrong)
		tell_reasons(reasons, name, "no");
	iov_object_free(object);
}

/* ---- the kernel, and a copy of what is known of it ---- */

static void write_facts(const struct verdicts *all, const char *path)
{
	char *facts = NULL;
	unit_ok(all->ctx, iov_facts(all->ctx, &facts));
	ck_assert_int_eq(iov_fs_replace(path, facts, strlen(facts), 0644), 0);
	free(facts);
}

static void copy_types(const char *from, const char *to)
{
	iov_auto(iov_buf_release) struct iov_buf types = {0};
	ck_assert_int_eq(iov_fs_read(from, IOV_KERNEL_BTF_MAX, &types), 0);
	ck_assert_int_eq(iov_fs_replace(to, types.data, types.len, 0644), 0);
}

static void copy_modules(const struct verdicts *all)
{
	DIR *folder = opendir("/sys/kernel/btf");
	char from[512];
	ck_assert_ptr_nonnull(folder);
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (*entry->d_name == '.' || !strcmp(entry->d_name, "vmlinux"))
			continue;
		iov_auto(iov_free_ptr) char *to = iov_path(all->ctx, "/k.%s.btf", entry->d_name);
		snprintf(from, sizeof(from), "/sys/kernel/btf/%s", entry->d_name);
		copy_types(from, to);
	}
	closedir(folder);
}

static void copy_kernel(struct verdicts *all)
{
	iov_auto(iov_free_ptr) char *facts = iov_path(all->ctx, "/k.json"), *btf = iov_path(all->ctx, "/k.btf");
	write_facts(all, facts);
	copy_types("/sys/kernel/btf/vmlinux", btf);
	copy_modules(all);
	unit_ok(all->ctx, iov_kernel_open(all->ctx, btf, &all->copied));
	unit_ok(all->ctx, iov_kernel_running(all->ctx, &all->running));
}

static int is_object(const struct dirent *entry)
{
	const char *end = strstr(entry->d_name, ".bpf.o");
	return end && !end[6];
}

/* Their names without ".bpf.o", in order; how many. */
static int list_objects(struct dirent ***ret)
{
	char *folder = strdup(live_object("x"));
	*strrchr(folder, '/') = '\0';
	int count = scandir(folder, ret, is_object, alphasort);
	free(folder);
	for (int i = 0; i < count; i++)
		*strstr((*ret)[i]->d_name, ".bpf.o") = '\0';
	return count;
}

static void print_counts(const char *what, const struct counts *counts)
{
	printf("# %s: yes=%u no=%u cannot-tell=%u\n", what, counts->of[IOV_LOADS], counts->of[IOV_FAILS],
	       counts->of[IOV_MAY_LOAD]);
}

START_TEST(a_yes_and_a_no_are_never_wrong)
{
	struct verdicts all = {0};
	struct dirent **entries = NULL;
	if (!live_begin())
		return;
	all.ctx = unit_ctx();
	const char *brief = getenv("IOV_TEST_BRIEF");
	all.brief = brief && *brief;
	if (all.brief)
		unit_ok(all.ctx, iov_kernel_types(all.ctx, &all.running));
	else
		copy_kernel(&all);
	int count = list_objects(&entries);
	ck_assert_int_gt(count, 0);
	ck_assert_ptr_nonnull(entries);
	for (int i = 0; i < count; i++) {
		check_object(&all, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	print_counts("verdicts", &all.objects);
	print_counts("verdicts on programs", &all.programs);
	fflush(stdout);
	ck_assert_msg(!all.wrong, "%u verdicts were wrong", all.wrong);
	ck_assert_msg(all.objects.of[IOV_MAY_LOAD] * CANNOT_TELL_ONE_IN <= (unsigned)count,
		      "%u of %d objects cannot be told of", all.objects.of[IOV_MAY_LOAD], count);
	iov_kernel_release(&all.running);
	iov_kernel_release(&all.copied);
	unit_ctx_free(all.ctx);
}
END_TEST

Suite *suite_check_verdicts(void)
{
	Suite *suite = suite_create("check/verdicts");
	TCase *tests = tcase_create("verdicts");
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, a_yes_and_a_no_are_never_wrong);
	suite_add_tcase(suite, tests);
	return suite;
}
