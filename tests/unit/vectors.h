/* Public test vectors, which are not part of the project: below the folder IOV_VECTORS, or beside the repository. */
#ifndef IOV_TESTS_VECTORS_H
#define IOV_TESTS_VECTORS_H

#include "core/json.h"
#include "unit.h"

/* The path of a vector file or folder, owned by the caller; NULL when the vectors are not there: skip. */
char *unit_vectors(const char *relative);
/* Calls `run` for every JSON file below the folder; gives how many there were. */
size_t unit_each_vector(struct iov_ctx *ctx, const char *folder,
			void (*run)(struct iov_ctx *ctx, const char *path, const json_t *json));

#endif
