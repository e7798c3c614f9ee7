/* One release as seen.json has it (seen.h): an array [RECORD, LOG, YANKED, YANK_LOG, DEPRECATE_LOG]. */
#ifndef IOV_REGISTRY_SEEN_LINE_H
#define IOV_REGISTRY_SEEN_LINE_H

#include "core/json.h"

struct iov_seen_release {
	const char *record; /* SHA-256 of what was signed; borrowed */
	uint64_t log;
	bool yanked;
	uint64_t yank_log, deprecate_log; /* 0: nothing was said */
};

/* Adds an index line to `releases`, by its version. A line that has none (of a newer schema) is passed over. */
int iov_seen_read_line(struct iov_ctx *ctx, const char *name, const char *line, size_t len, json_t *releases);
/* False: it is no such array. */
bool iov_seen_release_get(const json_t *array, struct iov_seen_release *ret);
const char *iov_seen_index(const json_t *module); /* SHA-256 of the index file; "" where the module is damaged */
uint64_t iov_seen_newest(const json_t *module);	  /* entry of the log about any of its releases */

#endif
