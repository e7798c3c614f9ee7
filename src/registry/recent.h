/*
 * Hash-named copies: "by-hash/<ab>/<sha256>" for what the newest heads made or replaced of manifest/top, shards and
 * index files. A client that reads file by file over HTTP while the registry moves on, or through a cache that keeps
 * old files, finds there what the plain path no longer has, or not yet. What has not moved lately has no copy, so their
 * number depends on how fast a registry moves and not on its size.
 *
 * "by-hash/recent" lists them, oldest first: "SHA256 HEAD TIME", the head that made or replaced the file last, and when
 * (seconds since 1970). It only tells the host what to remove; nothing is believed because of it.
 */
#ifndef IOV_REGISTRY_RECENT_H
#define IOV_REGISTRY_RECENT_H

#include "core/digest.h"
#include "registry/changes.h"

#define IOV_RECENT_PATH "by-hash/recent"
#define IOV_RECENT_MAX (1u << 20) /* bytes; IOV_RECENT_HEADS_MAX heads with six files each make 150 KiB */
#define IOV_HASH_PATH_MAX 80	  /* bytes of "by-hash/<ab>/<sha256>", with its terminator */

#define IOV_RECENT_HEADS 16	 /* copies of these many heads stay in any case */
#define IOV_RECENT_SECONDS 3600	 /* those of the last hour stay too, */
#define IOV_RECENT_HEADS_MAX 256 /* unless there were more heads than these */

struct iov_recent_file {
	char sha256[IOV_HEX_SIZE];
	uint64_t head; /* 0: the one that is being made */
	int64_t time;
};

struct iov_recent {
	struct iov_recent_file *items; /* owned */
	size_t count;
};

/* `text` is NUL-terminated, as every iov_buf is. */
int iov_recent_parse(struct iov_ctx *ctx, const char *what, const char *text, size_t len, struct iov_recent *ret);
int iov_recent_text(struct iov_ctx *ctx, const struct iov_recent *recent, struct iov_buf *ret);
void iov_recent_release(struct iov_recent *recent);

/* A file that the next head makes or replaces: its copy goes to `changes`. */
int iov_recent_add(struct iov_ctx *ctx, struct iov_recent *recent, const void *data, size_t len,
		   struct iov_changes *changes);
/* The next head is `head`, made at `now`: takes out the copies whose time is over; they and the new list go to
 * `changes`. */
int iov_recent_seal(struct iov_ctx *ctx, struct iov_recent *recent, uint64_t head, int64_t now,
		    struct iov_changes *changes);

void iov_hash_path(const char *sha256, char ret[IOV_HASH_PATH_MAX]);

#endif
