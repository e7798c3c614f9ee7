/*
 * Witnesses: hosts of others that cosign the registry's checkpoint (sign/cosign.h) when its log goes on from what they
 * signed before. A registry that shows one client a log of its own has no cosignatures for it.
 *
 * A witness writes the cosigned checkpoint to a file; the registry's host takes it into `checkpoint` on main, where
 * clients that ask for witnesses look for it. Each new head has a new checkpoint, which has to be cosigned again.
 */
#ifndef IOV_REGISTRY_WITNESS_H
#define IOV_REGISTRY_WITNESS_H

#include "core/json.h"
#include "registry/root.h"
#include "util/buf.h"

#define IOV_WITNESSES_MAX 16 /* of one registry */

/* On the witness's host: `name` is a registry of it, which is updated first. What was signed last is kept in
 * <state>/registries/<name>/witnessed.json, before a new cosignature leaves; a log that does not go on from it is
 * refused (fork). Writes the cosigned checkpoint to `output`. *ret: {"origin", "output", "registry", "root", "size",
 * "witness"}. */
int iov_witness_sign(struct iov_ctx *ctx, const char *name, const struct iov_signer *witness, const char *output,
		     json_t **ret);

/* On the registry's host: adds the cosignatures of a file to the checkpoint of the repository at `path`; each name
 * counts once, a new line takes the place of an old one. IOV_E_CONFLICT when the file is of an older checkpoint. *ret:
 * {"commit", "cosignatures", "origin", "size"}. */
int iov_witness_take_in(struct iov_ctx *ctx, const char *path, const char *file, json_t **ret);

/* On a client: `keys` is an array of witness keys as texts. At least `needed` of them have cosigned. */
int iov_witness_check(struct iov_ctx *ctx, const char *registry, const json_t *keys, size_t needed,
		      const struct iov_buf *checkpoint);
/* That these are witness keys, and enough of them. */
int iov_witness_check_keys(struct iov_ctx *ctx, const json_t *keys, size_t needed);

#endif
