/* What the reasons against single programs come to for an object as a whole, as its manifest uses the programs. */
#ifndef IOV_CHECK_WHOLE_H
#define IOV_CHECK_WHOLE_H

#include "check/against.h"

/*
 * The verdict of all reasons that count; those that do not get "counts": false. Such are reasons against programs that
 * are not loaded by themselves (SEC("?…")), that may be left out (`optional`), or that stand in a group of `choose`
 * while another group loads. `manifest` NULL: nobody says how the object is used.
 */
enum iov_verdict iov_whole(const struct iov_object *object, const struct iov_manifest *manifest, const json_t *reasons);

#endif
