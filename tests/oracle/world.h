/*
 * Random worlds of releases, for property tests and the benchmark: the same from the same seed, everywhere. All modules
 * keep the same clock: a release of age 7 was made when others made theirs of age 7, and needs what was there then,
 * give or take `spread`. No module needs an earlier one, so nothing goes in a circle. What is needed is known here in
 * ages too, so that another solver gets the very same question.
 */
#ifndef IOV_TESTS_WORLD_H
#define IOV_TESTS_WORLD_H

#include "resolve/resolve.h"

struct world_shape {
	const char *name;
	unsigned modules, ages; /* a module has a release of each age, but for stale ones */
	unsigned wishes;
	unsigned needs;	 /* of a release, at most */
	unsigned spread; /* of what a release needs around its own age */
	unsigned narrow; /* percent of needs that one release alone meets */
	unsigned stale;	 /* percent of modules that got no releases after some age */
	unsigned yanked; /* percent of releases */
	bool met;	 /* there is an answer, which takes releases of any age */
	bool chain;	 /* each module needs the next one in its own age or one less, and the last is there in age 0 */
};

/* Ages from `low` up to before `high`. */
struct world_need {
	unsigned module, low, high;
	struct iov_requirement *requirement; /* owned */
	bool told;			     /* scratch of tests: an explanation names it */
};

struct world_release {
	struct iov_release *release; /* owned */
	struct world_need *needs;    /* as in its manifest */
	unsigned n_needs;
};

struct world_module {
	char name[12];
	struct world_release *by_age;
	unsigned n_ages, answer; /* the age that it has in that answer */
	struct iov_release **newest_first;
};

struct world {
	struct world_module *modules;
	unsigned n_modules, n_ages;
	struct world_need *wishes;
	unsigned n_wishes;
};

struct world *world_new(struct iov_ctx *ctx, const struct world_shape *shape, uint64_t seed);
void world_free(struct world *world);
/* NULL: none of that name. */
struct world_module *world_module(const struct world *world, const char *name);
unsigned world_age(const struct iov_version *version);
/* What a release of that age is called: "3.1.0". */
void world_version(unsigned age, char text[16]);
/* Resolves all wishes; derivation may be NULL. */
int world_resolve(struct iov_ctx *ctx, const struct world *world, json_t **derivation, const struct iov_release ***ret,
		  size_t *ret_count);

#endif
