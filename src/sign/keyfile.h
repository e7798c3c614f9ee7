/*
 * Key files: <root>/etc/iovpkg/keys/NAME.key (0600), one line, a signer key or an encrypted one (keybox.h), and
 * NAME.pub, its verifier key. A revoked key is NAME.revoked: it signs nothing unless it is named by its path.
 *
 * A key is named by its name, or by a path, which has a '/'. Files that others can read are refused, none is ever
 * overwritten by another key.
 */
#ifndef IOV_SIGN_KEYFILE_H
#define IOV_SIGN_KEYFILE_H

#include "sign/key.h"

#define IOV_KEYS IOV_ETC "/keys"

/* Asks for the passphrase of an encrypted key, up to three times. IOV_E_PERMISSION: it is a wrong one. */
int iov_signer_load(struct iov_ctx *ctx, const char *name_or_path, struct iov_signer *ret);
/* The public half, without a passphrase. */
int iov_verifier_load(struct iov_ctx *ctx, const char *name_or_path, struct iov_verifier *ret, bool *ret_encrypted);

int iov_signer_save(struct iov_ctx *ctx, const struct iov_signer *signer); /* as it is */
/* Encrypted with a new passphrase, which is asked for first. */
int iov_signer_save_encrypted(struct iov_ctx *ctx, const struct iov_signer *signer);
/* Another passphrase, or none, for a key: its file is replaced as a whole. */
int iov_signer_change(struct iov_ctx *ctx, const char *name_or_path, bool encrypted);
/* NAME.key becomes NAME.revoked. */
int iov_signer_retire(struct iov_ctx *ctx, const char *name);

#endif
