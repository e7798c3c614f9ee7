/*
 * The lock of a host manifest: exactly which releases it comes to, whatever kernel asks. A generation's lock.json
 * without what only one host has (docs/state.md):
 *
 *   {"schema":1,"notes":{…},"releases":[{"name","version","registry","sha256","requirement":"^1" or null,"proof":{…}}]}
 *
 * "notes" and "proof" are absent where there are none, as in the locks of older versions.
 */
#ifndef IOV_STATE_LOCKFILE_H
#define IOV_STATE_LOCKFILE_H

#include "core/hostfile.h"
#include "core/release.h"

struct iov_locked {
	const char *name, *registry, *sha256;
	struct iov_version version;
	const char *requirement; /* of the manifest; NULL: it is there because another needs it */
	json_t *proof;		 /* what it says is for others to check (registry/registry.h); owned; NULL: none */
};

struct iov_lockfile {
	json_t *json;		 /* owned; the rows are borrowed from it */
	struct iov_locked *rows; /* owned, and their proofs; sorted by name */
	size_t count;
};

/* `*ret_found` NULL: IOV_E_NOT_FOUND where there is no lock; otherwise false, and *ret is empty. */
int iov_lockfile_read(struct iov_ctx *ctx, const char *path, struct iov_lockfile *ret, bool *ret_found);
void iov_lockfile_release(struct iov_lockfile *lockfile);
/* NULL: it is not in there. */
const struct iov_locked *iov_lockfile_find(const struct iov_lockfile *lockfile, const char *name);
/* The document for these releases, which are sorted by name, and their proofs; NULL among those: it has none. A new
 * reference; NULL: no memory. */
json_t *iov_lockfile_json(const struct iov_hostfile *host, const struct iov_release *const *chosen,
			  json_t *const *proofs, size_t count);
int iov_lockfile_write(struct iov_ctx *ctx, const char *path, const json_t *json);

#endif
