#include "world.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define MINORS 5 /* releases of a major version */

/* xorshift64 */
static unsigned pick(uint64_t *state, unsigned below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned)(*state >> 33) % below;
}

static bool chance(uint64_t *state, unsigned percent)
{
	return pick(state, 100) < percent;
}

void world_version(unsigned age, char text[16])
{
	snprintf(text, 16, "%u.%u.0", 1 + age / MINORS, age % MINORS);
}

unsigned world_age(const struct iov_version *version)
{
	return (unsigned)(version->major - 1) * MINORS + (unsigned)version->minor;
}

static unsigned next_major(unsigned age)
{
	return (age / MINORS + 1) * MINORS;
}

static void set(struct iov_ctx *ctx, struct world_need *need, unsigned low, unsigned high, const char *text)
{
	need->low = low;
	need->high = high;
	if (iov_requirement_parse(ctx, text, &need->requirement))
		abort();
}

/* Most say what people mostly say. */
static void ask(struct iov_ctx *ctx, uint64_t *state, const struct world_shape *shape, unsigned age,
		struct world_need *need)
{
	char version[16], text[32];
	unsigned kind = pick(state, 20);
	world_version(age, version);
	if (chance(state, shape->narrow)) {
		snprintf(text, sizeof(text), "=%s", version);
		set(ctx, need, age, age + 1, text);
	} else if (kind < 15) {
		snprintf(text, sizeof(text), "^%s", version);
		set(ctx, need, age, next_major(age), text);
	} else if (kind < 18) {
		snprintf(text, sizeof(text), ">=%s", version);
		set(ctx, need, age, UINT_MAX, text);
	} else {
		set(ctx, need, 0, UINT_MAX, "*");
	}
}

static unsigned around(uint64_t *state, unsigned age, unsigned spread)
{
	unsigned away = pick(state, 2 * spread + 1);
	return age + away < spread ? 0 : age + away - spread;
}

/* Few modules are needed by many: those at the end. */
static unsigned pick_target(uint64_t *state, const struct world *world, unsigned module)
{
	unsigned after = world->n_modules - module - 1, near = pick(state, after), far = pick(state, after);
	return module + 1 + (near > far ? near : far);
}

static void add_need(struct iov_ctx *ctx, uint64_t *state, const struct world *world, const struct world_shape *shape,
		     unsigned age, unsigned target, bool in_answer, struct world_release *release)
{
	struct world_need *need = &release->needs[release->n_needs++];
	unsigned wanted = around(state, age, shape->spread), ages = world->modules[target].n_ages;
	if (in_answer)
		wanted = world->modules[target].answer;
	need->module = target;
	ask(ctx, state, shape, wanted < ages ? wanted : ages - 1, need);
}

static void add_link(struct iov_ctx *ctx, unsigned age, unsigned target, struct world_release *release)
{
	struct world_need *need = &release->needs[release->n_needs++];
	char low[16], high[16], text[48];
	world_version(age ? age - 1 : 0, low);
	world_version(age, high);
	snprintf(text, sizeof(text), ">=%s, <=%s", low, high);
	need->module = target;
	set(ctx, need, age ? age - 1 : 0, age + 1, text);
}

static int by_module(const void *a, const void *b)
{
	const struct world_need *left = a, *right = b;
	return left->module < right->module ? -1 : left->module > right->module;
}

static void write_manifest(const struct world *world, const struct world_module *module, unsigned age,
			   struct world_release *release, bool yanked)
{
	struct iov_manifest *manifest = calloc(1, sizeof(*manifest));
	release->release = calloc(1, sizeof(*release->release));
	release->release->manifest = manifest;
	release->release->sha256 = "";
	release->release->yanked = yanked ? "broken" : NULL;
	manifest->name = module->name;
	manifest->version.major = 1 + age / MINORS;
	manifest->version.minor = age % MINORS;
	world_version(age, manifest->version.text);
	manifest->dependencies = calloc(release->n_needs + 1, sizeof(*manifest->dependencies));
	manifest->n_dependencies = release->n_needs;
	for (unsigned i = 0; i < release->n_needs; i++)
		manifest->dependencies[i] = (struct iov_dependency){
			.name = world->modules[release->needs[i].module].name,
			.requirement = release->needs[i].requirement,
		};
}

/* From one release to the next most of what is needed stays. */
static void add_releases(struct iov_ctx *ctx, uint64_t *state, struct world *world, const struct world_shape *shape,
			 unsigned at)
{
	struct world_module *module = &world->modules[at];
	unsigned left = world->n_modules - at - 1, count = pick(state, shape->needs + 1), targets[16];
	count = count > left ? left : count;
	for (unsigned i = 0; i < count; i++)
		targets[i] = pick_target(state, world, at);
	for (unsigned age = 0; age < module->n_ages; age++) {
		struct world_release *release = &module->by_age[age];
		release->needs = calloc(count + 1, sizeof(*release->needs));
		for (unsigned i = 0; !shape->chain && i < count; i++) {
			bool known = false;
			if (chance(state, 10))
				targets[i] = pick_target(state, world, at);
			for (unsigned j = 0; j < i; j++)
				known |= targets[j] == targets[i];
			if (!known && !chance(state, 5))
				add_need(ctx, state, world, shape, age, targets[i], shape->met && age == module->answer,
					 release);
		}
		if (shape->chain && left)
			add_link(ctx, age, at + 1, release);
		qsort(release->needs, release->n_needs, sizeof(*release->needs), by_module);
		write_manifest(world, module, age, release, !shape->met && chance(state, shape->yanked));
		module->newest_first[module->n_ages - 1 - age] = release->release;
	}
}

static void add_module(uint64_t *state, struct world *world, const struct world_shape *shape, unsigned at)
{
	struct world_module *module = &world->modules[at];
	bool last = shape->chain && at + 1 == world->n_modules;
	snprintf(module->name, sizeof(module->name), "m%05u", at);
	module->n_ages = last ? 1 : chance(state, shape->stale) ? 1 + pick(state, shape->ages) : shape->ages;
	module->answer = pick(state, module->n_ages);
	module->by_age = calloc(module->n_ages, sizeof(*module->by_age));
	module->newest_first = calloc(module->n_ages, sizeof(struct iov_release *));
}

/* Most wishes are for any version. */
static void add_wishes(struct iov_ctx *ctx, uint64_t *state, struct world *world, const struct world_shape *shape)
{
	unsigned step = world->n_modules / shape->wishes;
	world->wishes = calloc(shape->wishes, sizeof(*world->wishes));
	world->n_wishes = shape->wishes;
	for (unsigned i = 0; i < shape->wishes; i++) {
		struct world_need *wish = &world->wishes[i];
		wish->module = shape->chain ? i : i * step + pick(state, step);
		unsigned newest = world->modules[wish->module].n_ages - 1;
		if (shape->chain || chance(state, 80))
			set(ctx, wish, 0, UINT_MAX, "*");
		else
			ask(ctx, state, shape,
			    shape->met ? world->modules[wish->module].answer : newest - pick(state, newest / 2 + 1),
			    wish);
	}
}

struct world *world_new(struct iov_ctx *ctx, const struct world_shape *shape, uint64_t seed)
{
	struct world *world = calloc(1, sizeof(*world));
	uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
	world->n_modules = shape->modules;
	world->n_ages = shape->ages;
	world->modules = calloc(shape->modules, sizeof(*world->modules));
	for (unsigned i = 0; i < shape->modules; i++)
		add_module(&state, world, shape, i);
	for (unsigned i = 0; i < shape->modules; i++)
		add_releases(ctx, &state, world, shape, i);
	add_wishes(ctx, &state, world, shape);
	return world;
}

static void free_release(struct world_release *release)
{
	for (unsigned i = 0; i < release->n_needs; i++)
		iov_requirement_free(release->needs[i].requirement);
	free(release->needs);
	free(release->release->manifest->dependencies);
	free(release->release->manifest);
	free(release->release);
}

void world_free(struct world *world)
{
	for (unsigned i = 0; i < world->n_modules; i++) {
		struct world_module *module = &world->modules[i];
		for (unsigned age = 0; age < module->n_ages; age++)
			free_release(&module->by_age[age]);
		free(module->by_age);
		free(module->newest_first);
	}
	for (unsigned i = 0; i < world->n_wishes; i++)
		iov_requirement_free(world->wishes[i].requirement);
	free(world->wishes);
	free(world->modules);
	free(world);
}

struct world_module *world_module(const struct world *world, const char *name)
{
	char *end = NULL;
	unsigned long at = *name == 'm' ? strtoul(name + 1, &end, 10) : ULONG_MAX;
	return end && !*end && at < world->n_modules ? &world->modules[at] : NULL;
}

static int give_releases(struct iov_ctx *ctx, const char *name, struct iov_release *const **ret, size_t *ret_count,
			 void *data)
{
	(void)ctx;
	const struct world_module *module = world_module(data, name);
	*ret = module ? module->newest_first : NULL;
	*ret_count = module ? module->n_ages : 0;
	return IOV_OK;
}

int world_resolve(struct iov_ctx *ctx, const struct world *world, json_t **derivation, const struct iov_release ***ret,
		  size_t *ret_count)
{
	iov_auto(iov_free_ptr) struct iov_wish *wishes = calloc(world->n_wishes + 1, sizeof(*wishes));
	for (unsigned i = 0; i < world->n_wishes; i++)
		wishes[i] = (struct iov_wish){.name = world->modules[world->wishes[i].module].name,
					      .requirement = world->wishes[i].requirement,
					      .why = "you asked for it"};
	const struct iov_resolve_request request = {
		.wishes = wishes, .n_wishes = world->n_wishes, .ret_derivation = derivation};
	const struct iov_provider provider = {.releases = give_releases, .data = (void *)world};
	return iov_resolve(ctx, &request, &provider, ret, ret_count);
}
