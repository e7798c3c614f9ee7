/* A generation as the two documents that stand on disk: lock.json (what is installed) and instances.json (what runs).
 * docs/state.md has the form. */
#ifndef IOV_STATE_RECORD_H
#define IOV_STATE_RECORD_H

#include "core/generation.h"

#define IOV_RECORD_MAX (16u << 20) /* bytes of one document; 10,000 modules have 4 MB */

json_t *iov_record_lock(const struct iov_generation *generation);      /* a new reference; NULL: no memory */
json_t *iov_record_instances(const struct iov_generation *generation); /* the same */
/* Fills `generation` from the documents; releases come from the store. `what` names them in error texts. */
int iov_record_read_lock(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_generation *generation);
int iov_record_read_instances(struct iov_ctx *ctx, const char *what, const json_t *json,
			      struct iov_generation *generation);
/* One release of a lock.json, borrowed from it. */
struct iov_record_row {
	const char *name, *version, *registry, *sha256, *object, *requirement;
	bool wished, pinned;
};
/* The releases that a lock.json names, whether the store has them or not. Ends with the first that `each` fails. */
int iov_record_rows(struct iov_ctx *ctx, const char *what, const json_t *json,
		    int (*each)(struct iov_ctx *ctx, const struct iov_record_row *row, void *data), void *data);

#endif
