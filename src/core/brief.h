/*
 * A brief: what a resolution asks of a release and no more. It stands for the release until somebody needs the rest;
 * its `json` and `object` are NULL, and its manifest has name, version and dependencies alone.
 *
 *   {"dependencies":{"flow-table":"^1.3"},"log":7,"name":"flow-top","published":"2026-11-23T10:00:00Z",
 *    "sha256":"...","version":"1.2.0","yanked":"why" or null}
 */
#ifndef IOV_CORE_BRIEF_H
#define IOV_CORE_BRIEF_H

#include "core/release.h"

bool iov_release_is_brief(const struct iov_release *release);
/* The brief of a release, which may be one. A new reference; NULL: no memory. */
json_t *iov_brief_of(const struct iov_release *release);
/* Takes its own reference of `json`. */
int iov_brief_from_json(struct iov_ctx *ctx, json_t *json, struct iov_release **ret);

#endif
