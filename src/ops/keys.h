/* The key pairs of this root, <root>/etc/iovpkg/keys. */
#ifndef IOV_OPS_KEYS_H
#define IOV_OPS_KEYS_H

#include "core/json.h"
#include "sign/keyfile.h"

/* Names of all key pairs, sorted. A new reference. */
int iov_keys_names(struct iov_ctx *ctx, json_t **ret);
/* The key by name or path; NULL: the only one there is. */
int iov_keys_load(struct iov_ctx *ctx, const char *name, struct iov_signer *ret);
/* A public key: its text, or the name of a key pair here. */
int iov_keys_verifier(struct iov_ctx *ctx, const char *text, struct iov_verifier *ret);
/* A new key pair, saved; encrypted unless `flags` has IOV_PLAIN_KEY. */
int iov_keys_make(struct iov_ctx *ctx, const char *name, unsigned flags, struct iov_signer *ret);
/* The first of our keys that is one of these. */
int iov_keys_find(struct iov_ctx *ctx, const struct iov_verifier *keys, size_t count, struct iov_signer *ret,
		  bool *ret_found);
/* The one among our keys that may sign the head of the registry at `path`; *ret_found is false where none may. */
int iov_keys_find_registry(struct iov_ctx *ctx, const char *path, struct iov_signer *ret, bool *ret_found);
/* The registry's key: the named one, or with NULL the one above. IOV_E_NOT_FOUND where none is. */
int iov_keys_registry(struct iov_ctx *ctx, const char *path, const char *key, struct iov_signer *ret);

#endif
