/* Thousands of random worlds, each put to libsolv too: both find an answer or neither does, ours is one, and where
 * there is none the facts of the proof are facts of the world that libsolv finds contradictory, too, but no longer when
 * any one of them is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#ifdef HAVE_SOLV

#include "oracle/oracle.h"
#include "util/cleanup.h"

static bool asks_oracle(const struct world *world, bool only_told)
{
	Pool *pool = oracle_new(world, only_told);
	bool met = oracle_solve(pool, world, only_told);
	pool_free(pool);
	return met;
}

static bool is_met(const struct world *world, const struct world_need *need, const struct iov_release **plan,
		   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned age = world_age(&plan[i]->manifest->version);
		if (world_module(world, plan[i]->manifest->name) == &world->modules[need->module])
			return age >= need->low && age < need->high;
	}
	return false;
}

static void check_plan(const struct world *world, const struct iov_release **plan, size_t count)
{
	for (unsigned i = 0; i < world->n_wishes; i++)
		ck_assert(is_met(world, &world->wishes[i], plan, count));
	for (size_t i = 0; i < count; i++) {
		const struct world_module *module = world_module(world, plan[i]->manifest->name);
		const struct world_release *release = &module->by_age[world_age(&plan[i]->manifest->version)];
		ck_assert(release->release == plan[i] && !plan[i]->yanked);
		ck_assert(!i || strcmp(plan[i - 1]->manifest->name, plan[i]->manifest->name) < 0);
		for (unsigned j = 0; j < release->n_needs; j++)
			ck_assert(is_met(world, &release->needs[j], plan, count));
	}
}

static const char *member(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static bool says(const struct world *world, const struct world_need *need, const char *name, const char *requirement)
{
	return !strcmp(world->modules[need->module].name, name) &&
	       !strcmp(iov_requirement_text(need->requirement), requirement);
}

/* Gives how many of the needs say so. */
static unsigned tell(const struct world *world, struct world_need *needs, unsigned count, const char *name,
		     const char *requirement, bool told)
{
	unsigned found = 0;
	for (unsigned i = 0; i < count; i++)
		if (says(world, &needs[i], name, requirement)) {
			needs[i].told = told;
			found++;
		}
	return found;
}

/* The fact counts for the oracle, or no longer; it must be one of the world. */
static void tell_fact(struct iov_ctx *ctx, const struct world *world, const json_t *fact, bool told)
{
	const char *requirement = member(fact, "requirement");
	json_t *text;
	size_t i;
	if (!strcmp(member(fact, "fact"), "wish")) {
		ck_assert_uint_gt(
			tell(world, world->wishes, world->n_wishes, member(fact, "module"), requirement, told), 0);
		return;
	}
	ck_assert_str_eq(member(fact, "fact"), "dependency");
	ck_assert_uint_gt(json_array_size(json_object_get(fact, "versions")), 0);
	json_array_foreach(json_object_get(fact, "versions"), i, text) {
		const struct world_module *module = world_module(world, member(fact, "module"));
		struct iov_version version;
		unit_ok(ctx, iov_version_parse(ctx, json_string_value(text), &version));
		ck_assert(module && world_age(&version) < module->n_ages);
		struct world_release *release = &module->by_age[world_age(&version)];
		ck_assert_uint_eq(
			tell(world, release->needs, release->n_needs, member(fact, "needs"), requirement, told), 1);
	}
}

static void check_proof(struct iov_ctx *ctx, const struct world *world, const json_t *derivation)
{
	size_t i;
	json_t *step;
	json_array_foreach(derivation, i, step)
		if (member(step, "fact"))
			tell_fact(ctx, world, step, true);
	ck_assert_msg(!asks_oracle(world, true), "%s", iov_error_text(ctx));
	json_array_foreach(derivation, i, step) {
		if (!member(step, "fact"))
			continue;
		tell_fact(ctx, world, step, false);
		ck_assert_msg(asks_oracle(world, true), "needless: %s in %s", member(step, "text"),
			      iov_error_text(ctx));
		tell_fact(ctx, world, step, true);
	}
}

static bool check_world(struct iov_ctx *ctx, const struct world_shape *shape, uint64_t seed)
{
	iov_auto(iov_json_release) json_t *derivation = NULL;
	iov_auto(iov_free_ptr) const struct iov_release **plan = NULL;
	struct world *world = world_new(ctx, shape, seed);
	size_t count = 0;
	int code = world_resolve(ctx, world, &derivation, &plan, &count);
	ck_assert_msg(code == IOV_OK || code == IOV_E_CONFLICT, "%s", iov_error_text(ctx));
	ck_assert_msg(asks_oracle(world, false) == (code == IOV_OK), "%s, seed %u: libsolv does not agree: %s",
		      shape->name, (unsigned)seed, code ? iov_error_text(ctx) : "no answer");
	if (code == IOV_OK)
		check_plan(world, plan, count);
	else
		check_proof(ctx, world, derivation);
	world_free(world);
	return code == IOV_OK;
}

static void check_worlds(const struct world_shape *shape, unsigned worlds)
{
	struct iov_ctx *ctx = unit_ctx();
	unsigned met = 0;
	for (unsigned seed = 1; seed <= worlds; seed++)
		met += check_world(ctx, shape, seed);
	ck_assert_msg(met >= worlds / 10 && (shape->met || met <= worlds - worlds / 10),
		      "%s: %u of %u have an answer, which asks little", shape->name, met, worlds);
	unit_ctx_free(ctx);
}

static const struct world_shape small[] = {
	{"tight", .modules = 8, .ages = 4, .wishes = 4, .needs = 4, .spread = 4, .narrow = 60},
	{"yanked", .modules = 12, .ages = 6, .wishes = 3, .needs = 2, .spread = 1, .stale = 20, .yanked = 20},
	{"wide", .modules = 60, .ages = 8, .wishes = 20, .needs = 3, .spread = 2, .narrow = 20, .stale = 40},
	{"chain", .modules = 12, .ages = 10, .wishes = 3, .chain = true, .yanked = 12},
};

START_TEST(agrees_on_small_worlds)
{
	check_worlds(&small[_i], 1000);
}
END_TEST

/* Conflicts by the hundred, and jumps over hundreds of levels. */
static const struct world_shape large[] = {
	{"large", .modules = 1000, .ages = 10, .wishes = 50, .needs = 4, .spread = 8, .met = true},
	{"huge", .modules = 4000, .ages = 10, .wishes = 300, .needs = 4, .spread = 2, .stale = 10, .met = true},
};

START_TEST(agrees_on_large_worlds)
{
	check_worlds(&large[_i], 3);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, agrees_on_small_worlds, 0, IOV_COUNT(small));
	tcase_add_loop_test(tcase, agrees_on_large_worlds, 0, IOV_COUNT(large));
}

#else

START_TEST(needs_libsolv)
{
	fputs("# SKIP the resolver against libsolv: libsolv-dev is not installed\n", stderr);
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, needs_libsolv);
}

#endif

Suite *suite_resolve_oracle(void);
Suite *suite_resolve_oracle(void)
{
	Suite *suite = suite_create("resolve_oracle");
	TCase *tcase = tcase_create("oracle");
	tcase_set_timeout(tcase, 120);
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	return suite;
}
