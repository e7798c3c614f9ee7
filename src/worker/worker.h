/*
 * The main process's side of iovpkg-worker: one child for one job, spoken to over a socket pair in small frames
 * (worker/protocol.h). Nothing that a worker says is believed: callers check digests and signatures of every byte they
 * take.
 *
 * The worker links libgit2, libcurl and libarchive; this side links none of them. See docs/worker.md.
 */
#ifndef IOV_WORKER_WORKER_H
#define IOV_WORKER_WORKER_H

#include "core/json.h"
#include "util/buf.h"

/* Takes a chunk of bytes as it streams in; a non-zero return ends the job with that code. */
typedef int (*iov_sink)(struct iov_ctx *ctx, const void *data, size_t len, void *cookie);

/* -- git: bare repositories, no checkout. `repo` is a bare repository's folder on this host. -- */

struct iov_git_file {
	const char *path; /* in the tree */
	const void *data; /* NULL: remove the path */
	size_t len;
};

int iov_git_init(struct iov_ctx *ctx, const char *repo);
/* Fetches `ref` of `url` into the same ref of `repo` (made when missing), shallow (depth 1) where the transport can.
 * `ret_commit` is 41 bytes. IOV_E_NETWORK, or IOV_E_NOT_FOUND when the remote has no such ref. */
int iov_git_fetch(struct iov_ctx *ctx, const char *repo, const char *url, const char *ref, char *ret_commit);
/* The commit a ref of `repo` names now. IOV_E_NOT_FOUND. */
int iov_git_resolve(struct iov_ctx *ctx, const char *repo, const char *ref, char *ret_commit);
/* The file at `path` of a commit. IOV_E_NOT_FOUND; IOV_E_UNTRUSTED when it is longer than `limit`. */
int iov_git_read(struct iov_ctx *ctx, const char *repo, const char *commit, const char *path, size_t limit,
		 struct iov_buf *ret);
/* Many files at once, one worker: `ret` is an array of `count` buffers; absent files give an empty buffer with data
 * NULL. */
int iov_git_read_many(struct iov_ctx *ctx, const char *repo, const char *commit, const char *const *paths, size_t count,
		      size_t limit, struct iov_buf *ret);
/* The same bytes streamed into a sink, for archives. */
int iov_git_stream(struct iov_ctx *ctx, const char *repo, const char *commit, const char *path, size_t limit,
		   iov_sink sink, void *cookie);
/* Names (not paths) in the folder `path` ("" is the top), sorted; folders end in '/'. Joined by newlines in `ret`. */
int iov_git_list(struct iov_ctx *ctx, const char *repo, const char *commit, const char *path, struct iov_buf *ret);
/* Paths of the files that differ between two commits, sorted, as lines "+path" (in `commit` it is new or another) and
 * "-path" (it is gone). `from` NULL: all files. IOV_E_NOT_FOUND when a commit is not there. */
int iov_git_diff(struct iov_ctx *ctx, const char *repo, const char *from, const char *commit, struct iov_buf *ret);
/* Refs that start with `prefix`, as lines "name commit". */
int iov_git_refs(struct iov_ctx *ctx, const char *repo, const char *prefix, struct iov_buf *ret);
/* Writes one pack of what the branches of a clone and the commit `keep` (NULL: none) need, and forgets its archives.
 * `ret_pack`, 41 bytes, names it. The second, then, ends the packs that were superfluous the time before, and remembers
 * which are now. */
#define IOV_GIT_SUPERSEDED "superseded" /* in the repository: those packs, a line each */
int iov_git_gather(struct iov_ctx *ctx, const char *repo, const char *keep, char *ret_pack);
int iov_git_drop_packs(struct iov_ctx *ctx, const char *repo, const char *pack);
/* Commits `files` on top of `parent` (NULL: a first commit of only these files) and moves `ref` from `parent` to it;
 * IOV_E_BUSY when the ref was elsewhere by then. `time` is the commit's, seconds since 1970. */
int iov_git_commit(struct iov_ctx *ctx, const char *repo, const char *ref, const char *parent,
		   const struct iov_git_file *files, size_t count, const char *message, int64_t time, char *ret_commit);
/* The same, but `files` change the tree of `base`, an older commit that is gone back to, and not the parent's; NULL:
 * the parent's. */
int iov_git_commit_back(struct iov_ctx *ctx, const char *repo, const char *ref, const char *parent, const char *base,
			const struct iov_git_file *files, size_t count, const char *message, int64_t time,
			char *ret_commit);
int iov_git_delete_ref(struct iov_ctx *ctx, const char *repo, const char *ref);
/* Only if it still names `commit`; IOV_E_BUSY when it does not. */
int iov_git_delete_ref_at(struct iov_ctx *ctx, const char *repo, const char *ref, const char *commit);
/* Pushes `ref` of `repo` to `remote_ref` at `url`. IOV_E_NETWORK, IOV_E_CONFLICT when refused, with the remote's own
 * words, or a refusal's own code (core/refusal.h). What the remote says beside the protocol
 * goes to `ret_words`, which may be NULL. */
int iov_git_push(struct iov_ctx *ctx, const char *repo, const char *url, const char *ref, const char *remote_ref,
		 struct iov_buf *ret_words);

/* -- archives: deterministic tar.zst -- */

struct iov_pack_entry {
	const char *path;   /* in the archive; sorted, checked with iov_is_archive_path() */
	const char *source; /* the file to read */
};

/* Writes the archive to `out_fd`: same entries, same bytes; no owner, time or mode of the sources goes in. */
int iov_archive_pack(struct iov_ctx *ctx, const struct iov_pack_entry *entries, size_t count, int out_fd);

/* Called once a file begins (data NULL), then for its bytes. */
typedef int (*iov_unpack_sink)(struct iov_ctx *ctx, const char *path, uint64_t size, const void *data, size_t len,
			       void *cookie);

struct iov_unpack_limits {
	uint64_t unpacked; /* bytes of all files */
	size_t files;
};
/* Reads the archive at `in_fd` in a worker that can open nothing. Refuses links, devices, absolute paths, "..",
 * duplicates, case collisions, trailing data and whatever is over the limits: IOV_E_UNTRUSTED. */
int iov_archive_unpack(struct iov_ctx *ctx, int in_fd, const struct iov_unpack_limits *limits, iov_unpack_sink sink,
		       void *cookie);

#endif
