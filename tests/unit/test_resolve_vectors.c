/*
 * The cases of Resolver-Integration-Specs, which Ruby's resolvers share, through universes. Their versions become
 * numbers by rank within a module: the oldest is 1.0.0, a pre-release 2.0.0-p. What a requirement matches becomes a
 * range of those; where it is none, a stand-in module, which has a release for each match and passes it on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ruby.h"
#include "universe.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "vectors.h"

#define CASES 27

struct index {
	json_t *modules;       /* name -> array of releases, oldest first; owned */
	json_t *made;	       /* names of stand-ins made and modules reached so far; owned */
	json_t *reached;       /* array of names; owned */
	struct iov_buf *text;  /* the universe */
	struct iov_buf *after; /* stand-ins, as lines */
};

static int oldest_first(const void *a, const void *b)
{
	json_t *const *left = a, *const *right = b;
	return ruby_compare(json_string_value(json_object_get(*left, "version")),
			    json_string_value(json_object_get(*right, "version")));
}

static json_t *sorted(const json_t *releases)
{
	size_t count = json_array_size(releases);
	iov_auto(iov_free_ptr) json_t **items = calloc(count + 1, sizeof(json_t *));
	for (size_t i = 0; i < count; i++)
		items[i] = json_array_get(releases, i);
	qsort(items, count, sizeof(json_t *), oldest_first);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		if (!i || oldest_first(&items[i - 1], &items[i]) != 0)
			json_array_append(list, items[i]);
	return list;
}

/* Some of the files have comments. */
static json_t *read_json(const char *path)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	json_error_t error;
	ck_assert_int_eq(iov_fs_read(path, 4 << 20, &text), 0);
	for (char *at = text.data; (at = strstr(at, "//"));)
		memset(at, ' ', strcspn(at, "\n"));
	json_t *json = json_loads(text.data, 0, &error);
	ck_assert_msg(json != NULL, "%s: %s", path, error.text);
	return json;
}

static const char *version_of(const json_t *release)
{
	return json_string_value(json_object_get(release, "version"));
}

static void put_version(const json_t *releases, size_t rank, struct iov_buf *text)
{
	bool prerelease = ruby_is_prerelease(version_of(json_array_get(releases, rank)));
	iov_buf_printf(text, "%zu.0.0%s", rank + 1, prerelease ? "-p" : "");
}

struct matches {
	size_t first, last, count; /* ranks */
	bool is_range;		   /* of all releases between, and no pre-release */
};

static struct matches find_matches(const json_t *releases, const char *requirement)
{
	struct matches matches = {.is_range = true};
	bool gap = false;
	for (size_t i = 0; i < json_array_size(releases); i++) {
		const char *version = version_of(json_array_get(releases, i));
		if (!ruby_matches(requirement, version)) {
			gap |= matches.count && !ruby_is_prerelease(version);
			continue;
		}
		matches.is_range &= !gap && !ruby_is_prerelease(version);
		matches.first = matches.count++ ? matches.first : i;
		matches.last = i;
	}
	return matches;
}

static void put_stand_in(struct index *index, const json_t *releases, const char *name, const char *requirement,
			 const char *stand_in)
{
	if (json_object_get(index->made, stand_in))
		return;
	json_object_set_new(index->made, stand_in, json_true());
	for (size_t i = 0; i < json_array_size(releases); i++) {
		if (!ruby_matches(requirement, version_of(json_array_get(releases, i))))
			continue;
		iov_buf_printf(index->after, "release %s %zu.0.0\n\tneeds %s =", stand_in, i + 1, name);
		put_version(releases, i, index->after);
		iov_buf_puts(index->after, "\n");
	}
}

static void reach(struct index *index, const char *name)
{
	if (json_object_get(index->made, name))
		return;
	json_object_set_new(index->made, name, json_true());
	json_array_append_new(index->reached, json_string(name));
}

/* "NAME REQUIREMENT" and the end of the line. */
static void put_need(struct index *index, const char *name, const char *requirement)
{
	const json_t *releases = json_object_get(index->modules, name);
	struct matches matches = find_matches(releases, requirement);
	reach(index, name);
	if (!json_array_size(releases)) {
		iov_buf_printf(index->text, "%s *\n", name);
	} else if (!matches.count) {
		iov_buf_printf(index->text, "%s <0.0.0\n", name);
	} else if (matches.is_range) {
		iov_buf_printf(index->text, "%s >=%zu.0.0, <=%zu.0.0\n", name, matches.first + 1, matches.last + 1);
	} else {
		char stand_in[256];
		snprintf(stand_in, sizeof(stand_in), "%s|%s", name, requirement);
		for (char *at = stand_in; (at = strchr(at, ' '));)
			*at = '_';
		iov_buf_printf(index->text, "%s *\n", stand_in);
		put_stand_in(index, releases, name, requirement, stand_in);
	}
}

static void put_release(struct index *index, const char *name, const json_t *releases, size_t rank)
{
	json_t *needs = json_object_get(json_array_get(releases, rank), "dependencies"), *one;
	const char *key;
	size_t i;
	iov_buf_printf(index->text, "release %s ", name);
	put_version(releases, rank, index->text);
	iov_buf_puts(index->text, "\n");
	json_object_foreach(needs, key, one) {
		iov_buf_puts(index->text, "\tneeds ");
		put_need(index, key, json_string_value(one));
	}
	json_array_foreach(needs, i, one) {
		iov_buf_puts(index->text, "\tneeds ");
		put_need(index, json_string_value(json_array_get(one, 0)), json_string_value(json_array_get(one, 1)));
	}
}

static void read_index(const char *folder, const json_t *json, struct index *index)
{
	const char *file = json_string_value(json_object_get(json, "index")), *name;
	char path[512];
	json_t *releases;
	snprintf(path, sizeof(path), "%s/index/%s.json", folder, file ? file : "awesome");
	iov_auto(iov_json_release) json_t *modules = read_json(path);
	index->modules = json_object();
	index->made = json_object();
	index->reached = json_array();
	json_object_foreach(modules, name, releases)
		json_object_set_new(index->modules, name, sorted(releases));
}

/* The releases of every module that was needed, which need more. */
static void put_reached(struct index *index)
{
	for (size_t i = 0; i < json_array_size(index->reached); i++) {
		const char *name = json_string_value(json_array_get(index->reached, i));
		const json_t *releases = json_object_get(index->modules, name);
		for (size_t j = 0; j < json_array_size(releases); j++)
			put_release(index, name, releases, j);
	}
}

static size_t find_rank(const json_t *releases, const char *version)
{
	size_t rank = 0;
	while (rank < json_array_size(releases) &&
	       ruby_compare(version_of(json_array_get(releases, rank)), version) != 0)
		rank++;
	return rank;
}

/* "name\x01" is the second wish for "name". */
static void put_wishes(struct index *index, const json_t *json)
{
	const char *key;
	json_t *one;
	size_t i;
	json_object_foreach(json_object_get(json, "requested"), key, one) {
		iov_auto(iov_free_ptr) char *name = strndup(key, strcspn(key, "\x01"));
		iov_buf_puts(index->text, "wish ");
		put_need(index, name, json_string_value(one));
	}
	json_array_foreach(json_object_get(json, "base"), i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));
		const json_t *releases = json_object_get(index->modules, name);
		size_t rank = find_rank(releases, version_of(one));
		if (rank == json_array_size(releases))
			continue;
		iov_buf_printf(index->after, "locked %s ", name);
		put_version(releases, rank, index->after);
		iov_buf_puts(index->after, "\n");
	}
}

/* The tree that is expected, as a set of "name" -> version. */
static void collect(const json_t *nodes, json_t *ret)
{
	size_t i;
	json_t *node;
	json_array_foreach(nodes, i, node) {
		json_object_set_new(ret, json_string_value(json_object_get(node, "name")),
				    json_string(version_of(node)));
		collect(json_object_get(node, "dependencies"), ret);
	}
}

/* Names to versions as Ruby writes them, without the stand-ins. */
static json_t *answer_of(const struct index *index, const struct iov_release **plan, size_t count)
{
	json_t *answer = json_object();
	for (size_t i = 0; i < count; i++) {
		const struct iov_manifest *manifest = plan[i]->manifest;
		const json_t *releases = json_object_get(index->modules, manifest->name);
		if (releases)
			json_object_set(
				answer, manifest->name,
				json_object_get(json_array_get(releases, manifest->version.major - 1), "version"));
	}
	return answer;
}

static void check_met(const json_t *answer, const char *name, const char *requirement, const char *path)
{
	const char *version = json_string_value(json_object_get(answer, name));
	ck_assert_msg(version && ruby_matches(requirement, version), "%s: %s %s is not %s", path, name,
		      version ? version : "(absent)", requirement);
}

static void check_needs_met(const json_t *answer, const json_t *needs, const char *path)
{
	const char *key;
	json_t *one;
	size_t i;
	json_object_foreach((json_t *)needs, key, one) {
		iov_auto(iov_free_ptr) char *name = strndup(key, strcspn(key, "\x01"));
		check_met(answer, name, json_string_value(one), path);
	}
	json_array_foreach(needs, i, one)
		check_met(answer, json_string_value(json_array_get(one, 0)), json_string_value(json_array_get(one, 1)),
			  path);
}

static void check_valid(const struct index *index, const json_t *json, json_t *answer, const char *path)
{
	const char *name;
	json_t *version;
	check_needs_met(answer, json_object_get(json, "requested"), path);
	json_object_foreach(answer, name, version) {
		const json_t *releases = json_object_get(index->modules, name);
		size_t rank = find_rank(releases, json_string_value(version));
		check_needs_met(answer, json_object_get(json_array_get(releases, rank), "dependencies"), path);
	}
}

/* Valid as well, but with the newest rack and an old rails: which of two modules gets its newest release when both
 * cannot is a matter of taste. */
static bool is_matter_of_taste(const char *path)
{
	return strstr(path, "/complex_package_selection.json") != NULL;
}

static void check_expected(const json_t *json, json_t *answer, const char *path)
{
	iov_auto(iov_json_release) json_t *expected = json_object();
	const char *name;
	json_t *version;
	collect(json_object_get(json, "resolved"), expected);
	ck_assert_msg(json_object_size(answer) == json_object_size(expected), "%s: %zu modules, not %zu", path,
		      json_object_size(answer), json_object_size(expected));
	json_object_foreach(expected, name, version) {
		const char *ours = json_string_value(json_object_get(answer, name));
		ck_assert_msg(ours && !ruby_compare(ours, json_string_value(version)), "%s: %s is %s, not %s", path,
			      name, ours ? ours : "absent", json_string_value(version));
	}
}

static void check_case(struct iov_ctx *ctx, const char *path, const json_t *json)
{
	iov_auto(iov_free_ptr) char *folder = unit_vectors("resolver");
	iov_auto(iov_buf_release) struct iov_buf text = {0}, after = {0};
	struct index index = {.text = &text, .after = &after};
	read_index(folder, json, &index);
	put_wishes(&index, json);
	put_reached(&index);
	iov_buf_puts(&text, after.data ? after.data : "");
	ck_assert(!iov_buf_failed(&text));
	struct universe *universe = universe_read(ctx, path, text.data ? text.data : "");
	const struct iov_release **plan = NULL;
	size_t count = 0;
	int code = universe_resolve(universe, &plan, &count);
	bool fails = json_array_size(json_object_get(json, "conflicts")) > 0;
	ck_assert_msg((code != IOV_OK) == fails, "%s: '%s'", path, code ? iov_error_text(ctx) : "");
	iov_auto(iov_json_release) json_t *answer = answer_of(&index, plan, count);
	if (!fails)
		check_valid(&index, json, answer, path);
	if (!fails && !is_matter_of_taste(path))
		check_expected(json, answer, path);
	free(plan);
	universe_free(universe);
	json_decref(index.modules);
	json_decref(index.made);
	json_decref(index.reached);
}

START_TEST(agrees_with_the_cases_of_others)
{
	iov_auto(iov_free_ptr) char *folder = unit_vectors("resolver/case");
	if (!folder)
		return;
	struct iov_ctx *ctx = unit_ctx();
	ck_assert_uint_eq(unit_each_vector(ctx, folder, check_case), CASES);
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_resolve_vectors(void);
Suite *suite_resolve_vectors(void)
{
	Suite *suite = suite_create("resolve_vectors");
	TCase *tcase = tcase_create("vectors");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, agrees_with_the_cases_of_others);
	suite_add_tcase(suite, tcase);
	return suite;
}
