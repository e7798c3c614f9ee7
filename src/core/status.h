/*
 * Where a release stands: what the registry's log says of it after its publish. Members of the index line:
 *
 *   "yanked":     null (never), {"log":N,"reason":"text"} (withdrawn by entry N), {"log":N} (no longer, by entry N)
 *   "deprecated": absent or null, {"log":N,"successor":"name","text":"text"} (the successor may be absent), {"log":N}
 */
#ifndef IOV_CORE_STATUS_H
#define IOV_CORE_STATUS_H

#include "core/release.h"

#define IOV_STATUS_TEXT_MAX 400 /* bytes of why: a few sentences */

/* Reads both into a release whose `log` is known. */
int iov_status_read(struct iov_ctx *ctx, const json_t *line, struct iov_release *release);
/* One line for people to read on a terminal: neither empty nor too long, without control characters. */
bool iov_is_status_text(const char *text);
/* The entry of the log that last said something of the release. */
uint64_t iov_release_newest_event(const struct iov_release *release);

#endif
