/*
 * The client's view of a registry, and the answers it gives to the resolver. Trust state lives in
 * <state>/registries/<name>/ (trust.h); docs/registry-format.md has the layout of both sides.
 *
 * Everything read here was checked first: root by its pin and chain, head by the root's registry key, not older than
 * the head seen before and not expired, manifest and index files by the head's digests, each release by its publisher's
 * key.
 */
#ifndef IOV_REGISTRY_REGISTRY_H
#define IOV_REGISTRY_REGISTRY_H

#include "core/release.h"

struct iov_registries; /* the configured registries, opened for reading */

int iov_registries_open(struct iov_ctx *ctx, struct iov_registries **ret);
void iov_registries_free(struct iov_registries *registries);
size_t iov_registries_count(const struct iov_registries *registries);

/* Fetches heads; IOV_E_NETWORK names the registry and keeps the last good state. `name` NULL: all. Not called when
 * offline. */
int iov_registries_update(struct iov_ctx *ctx, struct iov_registries *registries, const char *name);

/* Every release of a module, newest version first, verified. Borrowed from `registries`. A name that no registry has
 * gives 0 releases; one that several have is IOV_E_CONFLICT (dependency confusion): the error says how to choose. */
int iov_registries_releases(struct iov_ctx *ctx, struct iov_registries *registries, const char *name,
			    struct iov_release *const **ret, size_t *ret_count);

/* The same for a resolution: as briefs (core/brief.h) where an earlier one asked under the same head. */
int iov_registries_briefs(struct iov_ctx *ctx, struct iov_registries *registries, const char *name,
			  struct iov_release *const **ret, size_t *ret_count);
/* The release that a brief stands for. Borrowed from `registries`. */
int iov_registries_complete(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *brief,
			    const struct iov_release **ret);
/* Makes iov_registries_briefs() answer at once for these modules: what is not known is read with one question to each
 * registry. */
int iov_registries_warm(struct iov_ctx *ctx, struct iov_registries *registries, const char *const *names, size_t count);
/* Keeps what was read for the next resolution. */
void iov_registries_keep_briefs(const struct iov_registries *registries);

/* From now on the name comes from this registry alone, as a lock or a wish says; the way out of the conflict above.
 * IOV_E_NOT_FOUND when there is no such registry. */
int iov_registries_choose(struct iov_ctx *ctx, struct iov_registries *registries, const char *name,
			  const char *registry);

/* Reads the index files of many modules at once; iov_registries_releases() then answers for them without a worker. */
int iov_registries_prefetch(struct iov_ctx *ctx, struct iov_registries *registries, const char *const *names,
			    size_t count);

/* All names, sorted, for search: lines "registry name". Reads the manifest shards and, where they are few,
 * the index files, which a search wants next. Free with iov_fs_names_free(). */
int iov_registries_names(struct iov_ctx *ctx, struct iov_registries *registries, char ***ret_names, size_t *ret_count);

/* An archive that is wanted. */
struct iov_archive_wish {
	const struct iov_release *release;
	const char *path; /* where to; what is there of an earlier time may be gone on with, or goes */
	bool checked;	  /* afterwards: its digest was computed on the way, and is the release's */
};

/* Writes the archives to their paths, none a byte longer than its release says; where they are on the web, those of a
 * registry at the same time. The caller checks the digests of those that are not `checked`. Offline they come from the
 * clone if they were fetched before, otherwise IOV_E_NETWORK. */
int iov_registries_fetch_archives(struct iov_ctx *ctx, struct iov_registries *registries,
				  struct iov_archive_wish *wishes, size_t count);

/* What reading a registry over HTTP has taken since they were opened: {"body", "connections", "headers", "requests",
 * "rounds"} (http.h), a new reference; NULL for one that is read through git, or without memory. */
json_t *iov_registries_traffic(struct iov_registries *registries, const char *name);

/* All that is needed to check a release again when its registry is gone, for a lock to keep (docs/state.md):
 * {"fingerprint", "hashes", "head", "leaf", "roots"}. A new reference. */
int iov_registries_proof(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
			 json_t **ret);
/* Is it at hand without the network? Over HTTP it would double what an install reads. */
bool iov_registries_prove_cheaply(struct iov_registries *registries, const struct iov_release *release);
/* Checks a release by such a proof, from its first root on: its publisher's signature and its place in the log.
 * Describes the chain: {"archive", "expired", "head", "log", "name", "publishers", "registry", "root", "version"}, see
 * docs/registry-format.md. A new reference. */
int iov_proof_check(struct iov_ctx *ctx, const json_t *proof, const struct iov_release *release, json_t **ret);
/* The same, and where this host has the registry, the proof begins with the root that is pinned here, and nothing that
 * came after it speaks against the release. */
int iov_registries_prove_by(struct iov_ctx *ctx, struct iov_registries *registries, const json_t *proof,
			    const struct iov_release *release, json_t **ret);
/* Both at once, with the registry as it is. A proof that took requests is kept. */
int iov_registries_prove(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
			 json_t **ret);
/* What an earlier iov_registries_prove() has kept. A new reference; NULL: nothing. */
json_t *iov_registries_kept_proof(struct iov_ctx *ctx, struct iov_registries *registries,
				  const struct iov_release *release);

#endif
