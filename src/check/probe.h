/*
 * What the running kernel takes, tried out: map types, kinds of programs, and helpers in each of them. A second of
 * small loads, so whoever asks often keeps the answer (check/kernel.h).
 */
#ifndef IOV_CHECK_PROBE_H
#define IOV_CHECK_PROBE_H

#include "core/json.h"

struct btf;
struct iov_object;

/* May this process load programs? */
bool iov_probe_is_allowed(void);
/* `btf`: the types of the running kernel; NULL: it has none. `object` NULL: everything; else only what it asks for, a
 * few milliseconds. Adds to `ret` what docs/facts.md has of a kernel, but its names.
 * IOV_E_PERMISSION where this process may not load programs. */
int iov_probe_kernel(struct iov_ctx *ctx, const struct btf *btf, const struct iov_object *object, json_t *ret);

#endif
