/* What the git jobs share: libgit2 set up to look at nothing but the repository, and its errors in our words. */
#ifndef IOV_WORKER_GIT_H
#define IOV_WORKER_GIT_H

#include <git2.h>

#include "worker/job.h"

/* Code and text from libgit2's last error: "<what>: <message>". `rc` is what its function returned. */
int iov_git_error(struct iov_ctx *ctx, int rc, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Was the last error that of memory, of which the sandbox gives what honest repositories need? */
bool iov_git_is_too_much(void);
/* libgit2's last message, in one line; never NULL. */
const char *iov_git_message(void);

/* Sets the library up: no configuration files, no owner check, limits. */
int iov_git_setup(struct iov_job *job);
/* Sets up and opens the bare repository that the request names. */
int iov_git_open(struct iov_job *job, git_repository **ret);
/* The same, made when missing. */
int iov_git_open_or_init(struct iov_job *job, git_repository **ret);
/* Writes down, before a fetch, that a clone made of fetches one commit deep ends at its branches' tips. libgit2 1.8
 * forgets it whenever a fetch brings no other end (an archive's does not), and then looks for the commits behind. */
int iov_git_mark_ends(struct iov_job *job, git_repository *repo);

/* Waits for the lock on a ref to end, and ends it where it does not: it is held while one small file is written, so
 * whoever holds it for much longer was killed. Was there one, and is it gone? */
bool iov_git_end_lock(const git_repository *repo, const char *ref, unsigned patience_ms);
#define IOV_GIT_CLONE_LOCK_MS 500   /* in a clone, which this host alone writes to, one command at a time */
#define IOV_GIT_SHARED_LOCK_MS 5000 /* in a registry, whose other writers may have to wait for a busy machine */

/* Removes the packs that fetches had begun whose worker was ended. */
int iov_git_sweep(struct iov_job *job, git_repository *repo);

static inline void iov_git_free_repository(git_repository **repo)
{
	git_repository_free(*repo);
}

static inline void iov_git_free_commit(git_commit **commit)
{
	git_commit_free(*commit);
}

static inline void iov_git_free_tree(git_tree **tree)
{
	git_tree_free(*tree);
}

static inline void iov_git_free_entry(git_tree_entry **entry)
{
	git_tree_entry_free(*entry);
}

static inline void iov_git_free_reference(git_reference **reference)
{
	git_reference_free(*reference);
}

static inline void iov_git_free_remote(git_remote **remote)
{
	git_remote_free(*remote);
}

static inline void iov_git_free_signature(git_signature **signature)
{
	git_signature_free(*signature);
}

#endif
