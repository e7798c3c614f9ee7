/*
 * How an entry of one layout becomes an entry of another: which bytes go where, and what is lost on the way. Pure; made
 * from two descriptions of a map (core/object.h) and what the manifest of the newer release says under `maps.upgrade`.
 * The engine makes instructions from it. docs/migration.md has the rules.
 */
#ifndef IOV_CORE_CONVERSION_H
#define IOV_CORE_CONVERSION_H

#include "core/object.h"

/* What becomes of a field that both sides changed since the copy. */
enum iov_merge {
	IOV_MERGE_LATEST, /* the newer side's */
	IOV_MERGE_SUM,
	IOV_MERGE_MAX,
	IOV_MERGE_MIN,
};

struct iov_field_place {
	uint32_t offset, size; /* bytes; the size is one element's */
	bool is_signed;
};

struct iov_field_move {
	struct iov_field_place from, to;
	uint32_t count; /* elements, one behind the other on both sides */
	bool is_number; /* else bytes, as they are */
	enum iov_merge merge;
	uint64_t multiply, divide; /* on the way from `from` to `to`; 1 where nothing is said */
};

/* A new field's first value. */
struct iov_fill {
	uint32_t offset, size;
	uint64_t value;
};

struct iov_field_moves {
	struct iov_field_move *moves; /* by place in `to` */
	size_t n_moves;
	struct iov_fill *fills;
	size_t n_fills;
	uint32_t from_size, to_size; /* bytes */
	bool same;		     /* both sides are laid out alike: copying all bytes does it */
	bool has_kernel;	     /* locks or timers, which no program may touch as bytes */
	int32_t from_lock, to_lock;  /* where the bpf_spin_lock is that guards the value; -1: none */
};

struct iov_conversion {
	struct iov_field_moves key, value;
	json_t *losses; /* array of strings: what the new layout cannot hold */
	json_t *told;	/* the same of what may go without asking: variables that the new program does not have */
};

struct iov_conversion_rules {
	const json_t *upgrade; /* `maps.upgrade.<map>` of the newer release; NULL: it says nothing */
	bool inverted;	       /* `from` is the newer one */
	const json_t *set;     /* object whose keys are fields that parameters set: they keep their new value */
};

/* IOV_E_CONTRACT: the rules contradict the layouts; IOV_E_INPUT: a layout contradicts itself. */
int iov_conversion_make(struct iov_ctx *ctx, const struct iov_object_map *from, const struct iov_object_map *to,
			const struct iov_conversion_rules *rules, struct iov_conversion **ret);
void iov_conversion_free(struct iov_conversion *conversion);
/* For iov_auto(). */
static inline void iov_conversion_release(struct iov_conversion **conversion)
{
	iov_conversion_free(*conversion);
}

#endif
