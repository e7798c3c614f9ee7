/* The types of a kernel by the names that CO-RE relocations look for, so that a lookup need not pass all 100,000. */
#ifndef IOV_CHECK_CORE_TYPES_H
#define IOV_CHECK_CORE_TYPES_H

#include <stddef.h>
#include <stdint.h>

struct btf;
struct iov_core_types;

/* NULL: no memory. */
struct iov_core_types *iov_core_types_new(const struct btf *btf);
void iov_core_types_free(struct iov_core_types *types);
/* The next type after `id`, 0 for the first, that may have this name, without its flavor; 0: none. `types` NULL: every
 * type may. */
uint32_t iov_core_types_next(const struct iov_core_types *types, const struct btf *btf, const char *name, uint32_t id);

#endif
