/* Times of documents: RFC 3339 in UTC to the second, "2026-11-23T10:00:00Z", the one spelling. */
#ifndef IOV_REGISTRY_CLOCK_H
#define IOV_REGISTRY_CLOCK_H

#include "core/json.h"

#define IOV_TIME_SIZE 21 /* with the terminator */
#define IOV_DAY 86400	 /* seconds */

void iov_time_text(int64_t seconds, char ret[IOV_TIME_SIZE]);
bool iov_time_parse(const char *text, int64_t *ret_seconds);
/* A member of a document. */
int iov_time_get(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, int64_t *ret_seconds);

#endif
