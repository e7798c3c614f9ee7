/*
 * Facts: what an object asks of the kernel, as JSON that travels in its release (docs/facts.md). Read by `check` from
 * the object, compared with what a kernel has, without either at hand.
 */
#ifndef IOV_CORE_FACTS_H
#define IOV_CORE_FACTS_H

#include "core/json.h"

#define IOV_FACTS_NEEDS 4096	/* different ones of an object; the largest seen has 300 */
#define IOV_FACTS_PROGRAMS 4096 /* groups of programs */

/* Facts that came from elsewhere: every member is of its type, every number names a need. IOV_E_INPUT. */
int iov_facts_check(struct iov_ctx *ctx, const json_t *facts);
/* "helper", "kfunc", "ksym", "config" or "relocation"; NULL: none of them. */
const char *iov_facts_kind(const json_t *need);

#endif
