/*
 * The content-addressed store: <state>/store/<sha256 of the archive>/ holds release.json (the verified index line) and
 * the archive's files, all read-only, and <state>/store/<build key>/object.bpf.o an object built from them. An entry is
 * whole or absent: it is filled under a temporary name, checked file by file against the signed record, synced, and
 * renamed.
 */
#ifndef IOV_STORE_STORE_H
#define IOV_STORE_STORE_H

#include "core/generation.h"

bool iov_store_has(struct iov_ctx *ctx, const char *sha256);
/* Unpacks `archive` (a file whose digest was checked) in a worker and keeps it. */
int iov_store_add(struct iov_ctx *ctx, const struct iov_release *release, const char *archive);
int iov_store_release(struct iov_ctx *ctx, const char *sha256, struct iov_release **ret); /* reads release.json back */
char *iov_store_dir(struct iov_ctx *ctx, const char *sha256);				  /* owned by the caller */
/* The object to load for a release: the archive's own for this machine (key ""), or one built here, now if need be
 * (key: 64 hex digits). */
int iov_store_object(struct iov_ctx *ctx, const struct iov_release *release, char ret_key[IOV_HEX_SIZE]);
char *iov_store_object_path(struct iov_ctx *ctx, const struct iov_installed *installed); /* owned by the caller */
/* Every file of an entry against the signed record. IOV_E_UNTRUSTED names the first that differs. */
int iov_store_check(struct iov_ctx *ctx, const struct iov_release *release);
/* Calls `each` with the name of every entry but these, and of what killed commands left. */
int iov_store_each_other(struct iov_ctx *ctx, const char *const *keep, size_t count,
			 int (*each)(struct iov_ctx *ctx, const char *name, void *data), void *data);
int iov_store_remove(struct iov_ctx *ctx, const char *name);
/* Removes entries that no kept generation names. */
int iov_store_collect(struct iov_ctx *ctx, const char *const *keep, size_t count);
/* Is there more in the store than these? True also where the store cannot be read. */
bool iov_store_has_others(struct iov_ctx *ctx, const char *const *keep, size_t count);

#endif
