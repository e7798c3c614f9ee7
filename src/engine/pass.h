/*
 * One pass over the entries of a map in migration, as one run of a program: a killed process finishes the system call
 * that it is in, so a pass happens whole or not at all, and can be repeated. docs/migration.md says what each does.
 *
 * Next to the new map stand a base, of the old layout, which remembers what was copied of each entry, and a record: an
 * array of one value in which the program counts and builds entries that are too big for its stack.
 *
 * Filling a second hash map would take as long as filling the new one. So the base of a hash map is an array of slots
 * first, where each key has one place by a hash of ours; who finds it taken goes to the hash map behind it.
 */
#ifndef IOV_ENGINE_PASS_H
#define IOV_ENGINE_PASS_H

#include "core/conversion.h"

enum iov_pass_kind {
	IOV_PASS_COPY,	     /* old to new, while nobody uses the new map */
	IOV_PASS_MERGE,	     /* old to new, when nobody writes the old one any more */
	IOV_PASS_MERGE_BACK, /* new to old, when nobody writes the new one any more */
};

/* What the record begins with. */
struct iov_pass_record {
	uint64_t entries, changed, dropped; /* of the last run */
	uint64_t matched;		    /* entries of the last run that the base knew */
	uint64_t before;		    /* entries in the base when the run began */
	uint64_t held;			    /* and now */
	uint64_t passes;		    /* complete ones */
	uint64_t copied_at;		    /* when the last copy began: ns of CLOCK_MONOTONIC */
	uint32_t cpu;			    /* whose values: the next run's, for maps with a value for each CPU */
	uint32_t deletes;		    /* shall the next run follow deletions? */
};

struct iov_pass_maps {
	int old, new, base, record; /* descriptors */
	int slots;		    /* the part of the base that is found without a hash map; -1: none */
	unsigned slot_bits;	    /* their number is a power of two */
	int keys;		    /* an array of keys to walk instead of the map, which has no walk; -1: none */
	bool keys_are_gone;	    /* those that the map does not have any more, by their names in the base */
	bool is_array;		    /* entries are always there, and are written in place */
	bool is_percpu;
	bool sleepless; /* sleepable programs may not use the map, or the locks in its values */
	unsigned cpus;	/* possible ones */
};

/* Bytes of one slot: state, key, value. */
uint32_t iov_pass_slot_size(uint32_t key_size, uint32_t value_size);
/* Bytes that the record needs; and its state before the first pass. */
uint32_t iov_pass_record_size(const struct iov_conversion *conversion);
void iov_pass_record_init(const struct iov_conversion *conversion, void *record);

/* Makes and loads the program of a pass. `first`: the base is empty. The descriptor is the caller's. */
int iov_pass_load(struct iov_ctx *ctx, const struct iov_conversion *conversion, const struct iov_pass_maps *maps,
		  enum iov_pass_kind kind, bool first, int *ret);
/* One run, on this CPU. */
int iov_pass_run(struct iov_ctx *ctx, int program);

#endif
