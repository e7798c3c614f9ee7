/* What an engine is asked to load, out of one of the objects for tests, without a store or a plan. */
#ifndef IOV_TESTS_LOADS_H
#define IOV_TESTS_LOADS_H

#include "live.h"

#define LOADS_IMPORTS 40

struct load {
	struct iov_release release;
	struct iov_engine_load load;
	struct iov_engine_import imports[LOADS_IMPORTS];
	char *pins[LOADS_IMPORTS];
	char object[512], dir[512];
	json_t *params;
};

/* A module of this version without parameters, whose object is tests/objects/OBJECT.bpf.o, as an instance of its name
 * in `tree` ("live", "staging"). */
void load_init(struct iov_ctx *ctx, struct load *load, const char *module, const char *version, const char *object,
	       const char *tree);
void load_release(struct load *load);
/* The map of `provider` with the same name. */
void load_import(struct load *load, const struct load *provider, const char *map, enum iov_access access);
/* It replaces what was loaded with `old`. */
void load_replaces(struct load *load, const struct load *old);
/* A descriptor of a pinned map of it; the caller closes it. */
int load_map(const struct load *load, const char *map);
/* The id of that map; 0: there is none. */
uint32_t load_map_id(const struct load *load, const char *map);

#endif
