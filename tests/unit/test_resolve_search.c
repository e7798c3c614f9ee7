/* Small random universes, each also decided by trying every combination: the resolver finds an answer exactly where
 * there is one, and where there is none its proof rests on facts of the universe, all of which are needed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "universe.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define MODULES 5
#define VERSIONS 3
#define UNIVERSES 1500
#define CHOICES 1024 /* (VERSIONS + 1) ^ MODULES */
#define FACTS_MAX 64

static uint64_t state;

/* xorshift64: the same universes everywhere. */
static unsigned pick(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

static void add_requirement(struct iov_buf *text)
{
	static const char *const operators[] = {"=", ">=", "<=", ">", "<"};
	iov_buf_printf(text, "%s%u.0.0\n", operators[pick(5)], 1 + pick(VERSIONS));
}

static void make_universe(struct iov_buf *text)
{
	for (unsigned module = 0; module < MODULES; module++)
		for (unsigned version = 1; version <= VERSIONS; version++) {
			iov_buf_printf(text, "release m%u %u.0.0\n", module, version);
			if (!pick(6))
				iov_buf_printf(text, "\tlacks helper%u\n", pick(2));
			for (unsigned other = 0; other < MODULES; other++)
				if (other != module && !pick(other > module ? 2 : 12)) {
					iov_buf_printf(text, "\tneeds m%u ", other);
					add_requirement(text);
				}
		}
	for (unsigned i = 0; i < 2; i++) {
		iov_buf_printf(text, "wish m%u ", i);
		add_requirement(text);
	}
}

static unsigned number_of(const char *name)
{
	return (unsigned)name[1] - '0';
}

/* Versions by module, 0: not there. */
struct choice {
	unsigned version[MODULES];
};

static const struct iov_manifest *chosen(const struct universe *universe, const struct choice *choice, unsigned module)
{
	return choice->version[module] ? universe->releases[module * VERSIONS + choice->version[module] - 1]->manifest
				       : NULL;
}

static const struct iov_lack *lack_of(const struct universe *universe, unsigned module, unsigned version)
{
	return universe->lacks[module * VERSIONS + version - 1];
}

static bool meets(const struct universe *universe, const struct choice *choice, const char *name,
		  const struct iov_requirement *requirement)
{
	const struct iov_manifest *manifest = chosen(universe, choice, number_of(name));
	return manifest && iov_requirement_matches(requirement, &manifest->version);
}

/* With `left` modules a path must end, or it goes round. */
static bool goes_round(const struct universe *universe, const struct choice *choice, unsigned module, unsigned left)
{
	const struct iov_manifest *manifest = chosen(universe, choice, module);
	if (!left)
		return true;
	for (size_t i = 0; i < manifest->n_dependencies; i++)
		if (goes_round(universe, choice, number_of(manifest->dependencies[i].name), left - 1))
			return true;
	return false;
}

static bool is_answer(const struct universe *universe, const struct choice *choice)
{
	for (size_t i = 0; i < universe->n_wishes; i++)
		if (!meets(universe, choice, universe->wishes[i].name, universe->wishes[i].requirement))
			return false;
	for (unsigned module = 0; module < MODULES; module++) {
		const struct iov_manifest *manifest = chosen(universe, choice, module);
		if (manifest && lack_of(universe, module, choice->version[module]))
			return false;
		for (size_t i = 0; manifest && i < manifest->n_dependencies; i++)
			if (!meets(universe, choice, manifest->dependencies[i].name,
				   manifest->dependencies[i].requirement))
				return false;
	}
	for (unsigned module = 0; module < MODULES; module++)
		if (choice->version[module] && goes_round(universe, choice, module, MODULES))
			return false;
	return true;
}

static struct choice choice_of(unsigned code)
{
	struct choice choice;
	for (unsigned i = 0, rest = code; i < MODULES; i++, rest /= VERSIONS + 1)
		choice.version[i] = rest % (VERSIONS + 1);
	return choice;
}

static bool has_answer(const struct universe *universe)
{
	for (unsigned code = 0; code < CHOICES; code++) {
		struct choice choice = choice_of(code);
		if (is_answer(universe, &choice))
			return true;
	}
	return false;
}

static const char *member(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

/* Does the choice have the module in one of the versions that the fact speaks of? */
static bool speaks_of(const struct universe *universe, const struct choice *choice, const json_t *fact)
{
	const struct iov_manifest *manifest = chosen(universe, choice, number_of(member(fact, "module")));
	size_t i;
	json_t *version;
	json_array_foreach(json_object_get(fact, "versions"), i, version)
		if (manifest && !strcmp(json_string_value(version), manifest->version.text))
			return true;
	return false;
}

struct fact {
	const json_t *json;
	struct iov_requirement *requirement; /* of a wish or a dependency */
};

static bool holds(const struct universe *universe, const struct choice *choice, const struct fact *it)
{
	const json_t *fact = it->json;
	const char *kind = member(fact, "fact");
	size_t i;
	json_t *one;
	if (!strcmp(kind, "wish"))
		return meets(universe, choice, member(fact, "module"), it->requirement);
	if (!strcmp(kind, "dependency"))
		return !speaks_of(universe, choice, fact) ||
		       meets(universe, choice, member(fact, "needs"), it->requirement);
	if (!strcmp(kind, "kernel"))
		return !speaks_of(universe, choice, fact);
	json_array_foreach(json_object_get(fact, "modules"), i, one)
		if (!speaks_of(universe, choice, one))
			return true;
	return false;
}

/* Whether the manifest says so; NULL text: with any requirement. */
static bool needs(const struct iov_manifest *manifest, const char *name, const char *text)
{
	for (size_t i = 0; i < manifest->n_dependencies; i++)
		if (!strcmp(manifest->dependencies[i].name, name) &&
		    (!text || !strcmp(iov_requirement_text(manifest->dependencies[i].requirement), text)))
			return true;
	return false;
}

/* All the versions that the fact speaks of are there, and need it. */
static void check_needs(const struct universe *universe, const json_t *fact, const char *name, const char *text)
{
	size_t i;
	json_t *version;
	ck_assert_uint_gt(json_array_size(json_object_get(fact, "versions")), 0);
	json_array_foreach(json_object_get(fact, "versions"), i, version) {
		struct choice choice = {0};
		choice.version[number_of(member(fact, "module"))] = (unsigned)atoi(json_string_value(version));
		ck_assert(needs(chosen(universe, &choice, number_of(member(fact, "module"))), name, text));
	}
}

static void check_wished(const struct universe *universe, const json_t *fact)
{
	bool found = false;
	for (size_t i = 0; i < universe->n_wishes; i++)
		found |= !strcmp(universe->wishes[i].name, member(fact, "module")) &&
			 !strcmp(iov_requirement_text(universe->wishes[i].requirement), member(fact, "requirement"));
	ck_assert(found);
}

/* The kernel says the same of all the versions that the fact speaks of. */
static void check_lacked(const struct universe *universe, const json_t *fact)
{
	size_t i;
	json_t *version;
	json_array_foreach(json_object_get(fact, "versions"), i, version) {
		const struct iov_lack *lack = lack_of(universe, number_of(member(fact, "module")),
						      (unsigned)atoi(json_string_value(version)));
		ck_assert_ptr_nonnull(lack);
		ck_assert_str_eq(lack->what, member(fact, "what"));
		ck_assert_str_eq(lack->kernel, member(fact, "kernel"));
	}
}

/* A module that lacks the same in several versions is told of once. */
static void check_merged(const json_t *derivation, const json_t *fact)
{
	size_t i;
	json_t *other;
	json_array_foreach(derivation, i, other)
		ck_assert(other == fact || !member(other, "fact") || strcmp(member(other, "fact"), "kernel") != 0 ||
			  strcmp(member(other, "module"), member(fact, "module")) != 0 ||
			  strcmp(member(other, "what"), member(fact, "what")) != 0);
}

static void check_real(const struct universe *universe, const json_t *fact)
{
	const char *kind = member(fact, "fact");
	const json_t *circle = json_object_get(fact, "modules");
	if (!strcmp(kind, "wish"))
		check_wished(universe, fact);
	else if (!strcmp(kind, "dependency"))
		check_needs(universe, fact, member(fact, "needs"), member(fact, "requirement"));
	else if (!strcmp(kind, "kernel"))
		check_lacked(universe, fact);
	for (size_t i = 0; i < json_array_size(circle); i++)
		check_needs(universe, json_array_get(circle, i),
			    member(json_array_get(circle, (i + 1) % json_array_size(circle)), "module"), NULL);
}

/* Which facts a choice breaks, one bit each: every choice breaks some, and for each fact there is one that breaks only
 * that. */
static bool check_irreducible(const struct universe *universe, const struct fact *facts, size_t count)
{
	uint64_t alone = 0;
	for (unsigned code = 0; code < CHOICES; code++) {
		struct choice choice = choice_of(code);
		uint64_t broken = 0;
		for (size_t i = 0; i < count; i++)
			broken |= (uint64_t)!holds(universe, &choice, &facts[i]) << i;
		if (!broken)
			return false;
		if (!(broken & (broken - 1)))
			alone |= broken;
	}
	return alone == (count == 64 ? ~0ull : (1ull << count) - 1);
}

static void check_proof(const struct universe *universe, const char *shown)
{
	struct fact facts[FACTS_MAX] = {0};
	size_t count = 0, i, j;
	json_t *step, *cause;
	json_array_foreach(universe->derivation, i, step) {
		ck_assert_int_eq(json_integer_value(json_object_get(step, "number")), (json_int_t)i + 1);
		json_array_foreach(json_object_get(step, "because"), j, cause)
			ck_assert_int_lt(json_integer_value(cause), (json_int_t)i + 1);
		if (!json_object_get(step, "fact"))
			continue;
		ck_assert_uint_lt(count, FACTS_MAX);
		check_real(universe, step);
		if (!strcmp(member(step, "fact"), "kernel"))
			check_merged(universe->derivation, step);
		facts[count].json = step;
		if (json_object_get(step, "requirement"))
			unit_ok(universe->ctx, iov_requirement_parse(universe->ctx, member(step, "requirement"),
								     &facts[count].requirement));
		count++;
	}
	ck_assert_uint_gt(count, 0);
	bool irreducible = check_irreducible(universe, facts, count);
	ck_assert_msg(irreducible, "too much or too little in '%s':\n%s", iov_error_text(universe->ctx), shown);
	for (i = 0; i < count; i++)
		iov_requirement_free(facts[i].requirement);
}

static void turn_round(struct universe *universe)
{
	struct iov_wish first = universe->wishes[0];
	universe->wishes[0] = universe->wishes[1];
	universe->wishes[1] = first;
	for (size_t i = 0; i < universe->n_releases; i++) {
		struct iov_manifest *manifest = universe->releases[i]->manifest;
		for (size_t j = 0, last = manifest->n_dependencies; last && j < --last; j++) {
			struct iov_dependency dependency = manifest->dependencies[j];
			manifest->dependencies[j] = manifest->dependencies[last];
			manifest->dependencies[last] = dependency;
		}
	}
}

/* The same answer, and on a failure the same words, in another order of wishes and of dependencies. */
static void check_order(struct universe *universe, int expected, const struct iov_release *const *plan, size_t count)
{
	iov_auto(iov_free_ptr) char *words = expected ? strdup(iov_error_text(universe->ctx)) : NULL;
	const struct iov_release **again = NULL;
	size_t n_again = 0;
	turn_round(universe);
	json_decref(universe->derivation);
	universe->derivation = NULL;
	ck_assert_int_eq(universe_resolve(universe, &again, &n_again), expected);
	ck_assert_uint_eq(n_again, count);
	ck_assert(!count || !memcmp(again, plan, count * sizeof(*plan)));
	ck_assert(!words || !strcmp(words, iov_error_text(universe->ctx)));
	free(again);
}

static bool check_one(struct iov_ctx *ctx)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	make_universe(&text);
	iov_auto(iov_free_ptr) char *shown = strdup(text.data);
	struct universe *universe = universe_read(ctx, "random", text.data);
	const struct iov_release **plan = NULL;
	size_t count = 0;
	int code = universe_resolve(universe, &plan, &count);
	struct choice choice = {0};
	for (size_t i = 0; i < count; i++)
		choice.version[number_of(plan[i]->manifest->name)] = (unsigned)plan[i]->manifest->version.major;
	if (code == IOV_OK)
		ck_assert_msg(is_answer(universe, &choice), "no answer:\n%s", shown);
	else
		ck_assert_msg(code == IOV_E_CONFLICT && !has_answer(universe), "missed one, '%s':\n%s",
			      iov_error_text(ctx), shown);
	if (code != IOV_OK)
		check_proof(universe, shown);
	check_order(universe, code, plan, count);
	free(plan);
	universe_free(universe);
	return code == IOV_OK;
}

START_TEST(finds_an_answer_where_there_is_one)
{
	struct iov_ctx *ctx = unit_ctx();
	unsigned found = 0;
	state = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < UNIVERSES; i++)
		found += check_one(ctx);
	ck_assert_uint_gt(found, UNIVERSES / 10);
	ck_assert_uint_lt(found, UNIVERSES - UNIVERSES / 10);
	unit_ctx_free(ctx);
}
END_TEST

Suite *suite_resolve_search(void);
Suite *suite_resolve_search(void)
{
	Suite *suite = suite_create("resolve_search");
	TCase *tcase = tcase_create("search");
	tcase_set_timeout(tcase, 60); /* a second, where nothing else runs */
	tcase_add_test(tcase, finds_an_answer_where_there_is_one);
	suite_add_tcase(suite, tcase);
	return suite;
}
