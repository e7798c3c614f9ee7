/*
 * Will a kernel load an object? The object's facts (core/facts.h) against what the kernel has (check/kernel.h): yes,
 * no, or cannot tell. Pure: nothing is asked of a kernel here. A yes is about what is asked of the kernel, not about
 * what its verifier thinks of the code.
 */
#ifndef IOV_CHECK_AGAINST_H
#define IOV_CHECK_AGAINST_H

#include "check/kernel.h"
#include "check/sources.h"
#include "core/manifest.h"
#include "core/object.h"

enum iov_verdict { IOV_LOADS, IOV_MAY_LOAD, IOV_FAILS };

/*
 * The verdict on the object as a whole, and in *ret, a new reference:
 *   {"kernel": "6.1.0", "verdict": "no",
 *    "programs": {"count_in": "yes"},
 *    "reasons": [{"program": "count_in", "verdict": "no", "missing": "helper", "what": "loop", "text": "…",
 *                 "since": "5.17", "source": {"file": "flow.bpf.c", "line": 42, "text": "bpf_loop(…);"}}]}
 * A reason with "type" is that programs of that type lack it; others may not. One without program is about the object
 * as a whole. One with "counts": false is about a program that the object can do without, as `manifest` uses it
 * (check/whole.h); NULL: nobody says how. "source" is where in the object's
 * source it is asked for (check/lines.h), as far as `sources` tell; NULL: nobody has the object's file.
 */
int iov_check_against(struct iov_ctx *ctx, const struct iov_object *object, const struct iov_manifest *manifest,
		      const struct iov_kernel *kernel, struct iov_sources *sources, enum iov_verdict *ret_verdict,
		      json_t **ret);
/* "yes", "cannot tell", "no" */
const char *iov_verdict_word(enum iov_verdict verdict);

#endif
