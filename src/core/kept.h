/*
 * Documents that are kept to make the next command faster, and are as good as absent when anything is wrong with them:
 *
 *   MAGIC SHA256     of all that follows the newline
 *   {...}            canonical JSON
 */
#ifndef IOV_CORE_KEPT_H
#define IOV_CORE_KEPT_H

#include "core/json.h"

/* NULL: there is none that can be used. `limit` is in bytes; the reference is the caller's. */
json_t *iov_kept_read(const char *path, const char *magic, size_t limit);
/* Never fails: who kept nothing looks again. */
void iov_kept_write(const char *path, const char *magic, const json_t *json);

#endif
