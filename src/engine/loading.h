/* One load in flight, for the files that share the work: load.c (the order of things), params.c, maps.c, contract.c and
 * verifier.c. */
#ifndef IOV_ENGINE_LOADING_H
#define IOV_ENGINE_LOADING_H

#include "engine/engine.h"
#include "util/buf.h"

struct bpf_map;
struct bpf_object;

struct iov_loading_map {
	struct bpf_map *map;
	char *name;    /* ".rodata", "flows": before libbpf takes over the name of a map that is reused; owned */
	bool imported; /* another instance's: not pinned here */
	bool set;      /* a parameter set one of its variables: an older map would not have the value */
};

struct iov_loading {
	struct iov_ctx *ctx;
	const struct iov_engine_load *load;
	struct bpf_object *object;
	struct iov_loading_map *maps;
	size_t n_maps;
	int btf;					/* cut-down BTF of the kernel in a file in memory; -1: none */
	char title[IOV_NAME_MAX + IOV_VERSION_MAX + 2]; /* "flow-top 1.0.0" */
};

/* params.c: variables and sizes of maps that the parameters set. */
int iov_loading_set_params(struct iov_loading *loading);
/* maps.c: imported maps and those that the running release hands on are put in place of new ones. */
int iov_loading_place_maps(struct iov_loading *loading);
struct iov_loading_map *iov_loading_find_map(struct iov_loading *loading, const char *name); /* NULL: none */

/* contract.c: is the map behind `fd` what `expected`, a map of the object, was built for? Otherwise IOV_E_CONTRACT
 * shows both. */
struct iov_contract {
	const struct iov_loading_map *expected;
	const char *reader;   /* "flow-top 1.0.0" */
	const char *provider; /* "flow-table 1.0.0" */
	const struct iov_object_map
		*record;    /* the provider's word, for maps whose types the kernel does not keep; NULL: none */
	bool read_only;	    /* a reader can do with appended fields */
	const char *remedy; /* what to do about a difference */
};
int iov_contract_check(struct iov_loading *loading, const struct iov_contract *contract, int fd);

/* verifier.c: why the kernel refused a program, in a few lines. `log` is what its verifier wrote. */
int iov_verifier_refusal(struct iov_ctx *ctx, const char *title, const char *program, const char *log);

#endif
