/*
 * Registries as things to make, to pin and to keep alive: the work behind iov_registry_init(), _add(), _remove(),
 * _list() and _refresh(). JSON results are new references; docs/registry-format.md has their members.
 */
#ifndef IOV_REGISTRY_ADMIN_H
#define IOV_REGISTRY_ADMIN_H

#include "core/json.h"
#include "sign/key.h"

/* ---- on the registry's host ---- */

/* Makes a registry in a bare repository at `path`, which holds none yet. `publishers` are "PATTERN=VERIFIER-KEY"; the
 * signer is root, registry and publisher for "*". *ret: {"commit", "expires", "fingerprint", "key", "log_key",
 * "origin", "path"}. */
int iov_registry_create(struct iov_ctx *ctx, const char *path, const char *origin, const struct iov_signer *signer,
			const char *const *publishers, size_t count, json_t **ret);
/* Makes git ask 'iovpkg registry accept --hook' about each push into the repository, with the key of that name or path.
 */
int iov_registry_install_hook(struct iov_ctx *ctx, const char *path, const char *key);
/* Signs the head anew with `days` of validity, 0: the default; one that is good for `left` days more stays as it is,
 * 0: never. *ret: {"changed", "commit", "expires", "head", "origin"}. */
int iov_registry_resign_head(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer, unsigned days,
			     unsigned left, json_t **ret);

/* The keys that may sign the head of the registry at `path`. The array is the caller's. */
int iov_registry_signers(struct iov_ctx *ctx, const char *path, struct iov_verifier **ret, size_t *ret_count);

/* ---- on the hosts that install ---- */

/* Fetches the registry, asks or compares the fingerprint, checks everything, and keeps it under `name`. *ret: what
 * iov_registry_describe_all() says of it. The fingerprint may be NULL: then config.confirm is asked; without it the
 * call fails and says what to pass. */
int iov_registry_pin(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint, json_t **ret);
/* The same for a registry whose checkpoints must have `cosigners` cosignatures of these witnesses (witness.h), an array
 * of keys as texts. */
int iov_registry_pin_witnessed(struct iov_ctx *ctx, const char *name, const char *url, const char *fingerprint,
			       json_t *witnesses, size_t cosigners, json_t **ret);
int iov_registry_forget(struct iov_ctx *ctx, const char *name);
/* An array of {"expired", "fingerprint", "head": {"expires", "issued", "version"}, "log_size", "name", "origin",
 * "root", "url"}. */
int iov_registry_describe_all(struct iov_ctx *ctx, json_t **ret);

/* A path or file:// URL as an absolute path, with *ret_local true; any other URL as it is. *ret_target is owned by the
 * caller. */
int iov_registry_locate(struct iov_ctx *ctx, const char *url, bool *ret_local, char **ret_target);

#endif
