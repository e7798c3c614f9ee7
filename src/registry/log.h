/*
 * The append-only log of a registry as tlog-tiles (https://c2sp.org/tlog-tiles): roots, proofs and entries read from
 * its tiles, and the tiles that one more entry writes. Nothing read here is believed: a proof made from tiles means
 * something once merkle.h has checked it against a signed root.
 */
#ifndef IOV_REGISTRY_LOG_H
#define IOV_REGISTRY_LOG_H

#include "registry/changes.h"
#include "registry/merkle.h"
#include "registry/source.h"
#include "registry/tile.h"

struct iov_log_tile {
	struct iov_tile tile;
	struct iov_buf data;
};

struct iov_log {
	const struct iov_source *source; /* borrowed; outlives the log */
	uint64_t size;			 /* leaves */
	struct iov_log_tile *tiles;	 /* read so far; data NULL: wanted */
	size_t n_tiles;
	bool failed; /* no memory while asking for tiles */
};

struct iov_proof {
	struct iov_hash hashes[IOV_PROOF_MAX];
	size_t count;
};

void iov_log_init(struct iov_log *log, const struct iov_source *source, uint64_t size);
void iov_log_release(struct iov_log *log);

int iov_log_root(struct iov_ctx *ctx, struct iov_log *log, struct iov_hash *ret);
int iov_log_prove_included(struct iov_ctx *ctx, struct iov_log *log, uint64_t index, struct iov_proof *ret);
/* 0 < size1 <= size of the log. */
int iov_log_prove_consistent(struct iov_ctx *ctx, struct iov_log *log, uint64_t size1, struct iov_proof *ret);
/* One entry and its proof, with one question. */
int iov_log_prove_entry(struct iov_ctx *ctx, struct iov_log *log, uint64_t index, struct iov_buf *ret,
			struct iov_proof *ret_proof);
/* The bytes of one entry. */
int iov_log_entry(struct iov_ctx *ctx, struct iov_log *log, uint64_t index, struct iov_buf *ret);

/* Adds an entry: the tiles and the bundle it changes go to `changes`, and the log is one larger. Partial tiles stay
 * until the full one replaces them, as tlog-tiles asks; therefore one append a commit. */
int iov_log_append(struct iov_ctx *ctx, struct iov_log *log, const void *data, size_t len, struct iov_changes *changes);

#endif
