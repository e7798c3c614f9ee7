/* One load in flight, for the files that share the work: load.c (the order of things), params.c, maps.c, contract.c,
 * readonly.c, writes.c and verifier.c. */
#ifndef IOV_ENGINE_LOADING_H
#define IOV_ENGINE_LOADING_H

#include "core/upgrade.h"
#include "engine/btf_targets.h"
#include "engine/engine.h"
#include "util/buf.h"

struct bpf_map;
struct bpf_object;
struct bpf_program;

struct iov_loading_map {
	struct bpf_map *map;
	char *name;    /* ".rodata", "flows": before libbpf takes over the name of a map that is reused; owned */
	bool imported; /* another instance's: not pinned here */
	bool has_twin; /* imported for reading, and the kernel has a read-only form of it */
	int template;  /* for the maps inside its twin (readonly.c); -1: none */
	bool proven;   /* imported for reading, and the verifier has seen that it is only read */
	bool set;      /* a parameter set one of its variables: an older map would not have the value */
	int replaces;  /* the running release's map, whose entries move here; -1: none */
};

struct iov_loading {
	struct iov_ctx *ctx;
	const struct iov_engine_load *load;
	struct bpf_object *object;
	struct iov_loading_map *maps;
	size_t n_maps;
	char *logs; /* what the verifier wrote, see iov_loading_log() */
	size_t logs_size;
	bool rehearsal;			/* loaded only to be verified: says nothing */
	bool nested;			/* inside another load of the same object */
	const char *refused;		/* the program that the kernel does not take; borrowed; NULL: none alone */
	int btf;			/* cut-down BTF of the kernel in a file in memory; -1: none */
	struct iov_btf_targets targets; /* types of the kernel that its programs attach to */
	char title[IOV_NAME_MAX + IOV_VERSION_MAX + 2]; /* "flow-top 1.0.0" */
};

/* load.c: the object with its programs chosen and its parameters set; `ctx`, `load` and `btf` (-1) are the caller's to
 * fill in. Release it after a failure too. */
int iov_loading_open(struct iov_loading *loading);
void iov_loading_release(struct iov_loading *loading);
/* Into the kernel, pinned nowhere. */
int iov_loading_load(struct iov_loading *loading);
/* The verifier's words on the program that it refused; borrowed. NULL: none. */
const char *iov_loading_log(const struct iov_loading *loading, struct bpf_program **ret_program);

/* params.c: variables and sizes of maps that the parameters set. */
int iov_loading_set_params(struct iov_loading *loading);
/* maps.c: imported maps and those that the running release hands on are put in place of new ones. */
int iov_loading_place_maps(struct iov_loading *loading);
/* What the load is, for the rules of maps that change; and what stands next to new maps that are to be filled. */
struct iov_upgrade iov_loading_upgrade(const struct iov_loading *loading);
int iov_loading_prepare_migration(struct iov_loading *loading);
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

/* readonly.c: maps imported for reading are only read, otherwise IOV_E_CONTRACT. `prove` lets the verifier say so
 * before the object is loaded, where it can; `look` goes through the instructions of the loaded object for the other
 * maps. */
void iov_loading_make_small(struct iov_loading *loading); /* maps of a rehearsal, where the verifier does not care */
bool iov_readonly_has_twin(const struct iov_loading *loading, const struct iov_loading_map *map);
int iov_readonly_prove(struct iov_loading *loading);
int iov_readonly_look(struct iov_loading *loading);

/* writes.c: the first instruction of a loaded program that writes the map with this descriptor, as far as instructions
 * tell; false: none. ret->what: "calls bpf_map_update_elem()", static text. */
struct iov_write {
	size_t instruction;
	const char *what;
};
int iov_writes_find(struct iov_ctx *ctx, const struct bpf_program *program, int map, bool *ret_found,
		    struct iov_write *ret);
/* metadata.c: may a program of the loaded object look at XDP metadata? */
bool iov_loading_uses_metadata(const struct iov_loading *loading);

/* verifier.c: why the kernel refused a program, in a few lines. `log` is what its verifier wrote. */
/* The same in parts: the complaint as one sentence, and lines (each after a newline) with source and registers. */
int iov_verifier_quote(struct iov_ctx *ctx, const char *log, struct iov_buf *complaint, struct iov_buf *details);
/* The source line of an instruction, from a log of level 2, as such a line; nothing where the log has none. */
void iov_verifier_source(const char *log, size_t instruction, struct iov_buf *details);
int iov_verifier_refusal(struct iov_ctx *ctx, const char *title, const char *program, const char *log);

#endif
