/* What a health check of a value means for one object: the same answer for `check`, which wants it to make sense, and
 * for the transaction, which reads the value (docs/health.md). */
#ifndef IOV_CORE_HEALTH_H
#define IOV_CORE_HEALTH_H

#include "core/manifest.h"
#include "core/object.h"
#include "core/place.h"

struct iov_health_value {
	const struct iov_object_map *map; /* where the value is; borrowed from the object */
	char *field;			  /* in the map's value: of a variable, its name first; NULL: the whole */
	json_t *type;			  /* of a number of entries */
	struct iov_layout_place place;
	uint64_t than; /* what it is compared with, as iov_place_read() would give it */
};

/* IOV_E_INPUT; then *ret_key is the key of the manifest that is wrong. */
int iov_health_resolve(struct iov_ctx *ctx, const struct iov_object *object, const struct iov_health_spec *spec,
		       struct iov_health_value *ret, const char **ret_key);
void iov_health_value_release(struct iov_health_value *value);
/* Is it so? `base` is what was seen first. */
bool iov_health_holds(const struct iov_health_value *value, enum iov_compare compare, uint64_t base, uint64_t seen);
/* The number as people write it. */
void iov_health_print(const struct iov_health_value *value, uint64_t number, char *ret, size_t size);

#endif
