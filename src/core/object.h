/*
 * What an eBPF object says of itself: programs and maps, as plain data. `check` reads it from the ELF file; releases
 * carry it as JSON, so that planning and contract checks need no object at hand.
 *
 * A layout is JSON that says how a map's key and value lie in memory: names, sizes, offsets (bits), nesting, arrays,
 * enums; typedefs resolved, pointers reduced to "pointer", no type ids. Its SHA-256 in canonical form, with the map's
 * type, is the fingerprint. docs/map-contracts.md has the form.
 */
#ifndef IOV_CORE_OBJECT_H
#define IOV_CORE_OBJECT_H

#include "core/digest.h"
#include "core/json.h"
#include "util/buf.h"

struct iov_object_program {
	const char *name;
	const char *section; /* "tcx/ingress" */
	const char *type;    /* libbpf's name of the program type: "sched_cls" */
	bool autoload;	     /* false for SEC("?...") */
};

struct iov_object_map {
	const char *name; /* as libbpf says; ".rodata", ".bss", ".data" for the globals */
	const char *type; /* libbpf's name of the map type: "hash", "percpu_array", "ringbuf" */
	uint32_t key_size, value_size, max_entries, flags;
	json_t *layout; /* {"key": LAYOUT, "value": LAYOUT}; members absent where the object has no BTF for them;
			   borrowed */
	char fingerprint[IOV_HEX_SIZE]; /* of type, sizes, flags and layout; not of max_entries */
};

struct iov_object {
	json_t *json; /* what the strings below are borrowed from */
	const char *license;
	struct iov_object_program *programs;
	size_t n_programs;
	struct iov_object_map *maps;
	size_t n_maps;
	json_t *facts; /* what it asks of the kernel (core/facts.h); NULL: an older iovpkg wrote this; borrowed */
};

int iov_object_from_json(struct iov_ctx *ctx, json_t *json, struct iov_object **ret); /* takes its own reference */
void iov_object_free(struct iov_object *object);
const struct iov_object_map *iov_object_find_map(const struct iov_object *object, const char *name);
const struct iov_object_program *iov_object_find_program(const struct iov_object *object, const char *name);

/* ".rodata", ".kconfig" and their like: constants, which belong to the object that was compiled with them. */
bool iov_object_is_constants(const char *map);

/*
 * May a module built for `wanted` use `exported`? Equal fingerprints: yes. A module that only reads may also use a map
 * whose value is the struct it knows with more members behind it; everything else must be equal.
 */
bool iov_object_map_serves(const struct iov_object_map *exported, const struct iov_object_map *wanted, bool read_only);

/* The two layouts as lines "offset size type name", side by side, differing lines marked; for error texts. Owned by the
 * caller. */
char *iov_layout_compare_text(const char *left_title, const json_t *left, const char *right_title, const json_t *right);
/* What differs between two layouts of a key or value (or of inner maps), in words: "field 'bytes' moved from byte 8 to
 * 16, field 'name' is appended". */
void iov_layout_changes(const json_t *old, const json_t *new, struct iov_buf *ret);
/* The same for whole maps, with type, flags and sizes: "it was a hash and is a lru_hash, in the value field ...". */
void iov_object_map_changes(const struct iov_object_map *old, const struct iov_object_map *new, struct iov_buf *ret);
/* "u64", "char[16]", "struct[4]", "struct bpf_spin_lock". */
void iov_layout_put_type(struct iov_buf *text, const json_t *type);

#endif
