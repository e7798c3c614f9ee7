/*
 * The fields of a layout (docs/map-contracts.md), flattened: "pos.x", "slots[3].hits". Layouts come with releases, so
 * their numbers are checked here: every field lies within the bytes that the map says its key or value has.
 */
#ifndef IOV_CORE_FIELDS_H
#define IOV_CORE_FIELDS_H

#include "core/json.h"

#define IOV_FIELDS_MAX 1024 /* of one key or value; what has more is not moved field by field */

enum iov_field_kind {
	IOV_FIELD_NUMBER, /* an integer of 1, 2, 4 or 8 bytes, or an array of them */
	IOV_FIELD_BYTES,  /* moved as it is: text, floats, pointers, unions, groups of bit-fields */
	IOV_FIELD_KERNEL, /* a lock, a timer: the kernel's own, never moved */
};

struct iov_field {
	char *path; /* "" for a key or value that is no struct */
	enum iov_field_kind kind;
	const json_t *type;    /* of one element; borrowed from the layout; NULL for a group of bit-fields */
	char *shape;	       /* of bytes: equal shapes hold the same */
	uint32_t offset, size; /* bytes; the size is one element's */
	uint32_t count;	       /* elements, 1 for a plain field */
	bool is_signed;
};

struct iov_fields {
	struct iov_field *items;
	size_t count;
};

/* `layout` may be NULL: without types the whole is one field of bytes. IOV_E_INPUT: the layout contradicts itself, or
 * has too many fields. */
int iov_fields_list(struct iov_ctx *ctx, const json_t *layout, uint32_t size, struct iov_fields *ret);
void iov_fields_release(struct iov_fields *fields);
/* "u64", "char[16]": what a field is, for people. */
char *iov_field_type(const struct iov_field *field);

#endif
