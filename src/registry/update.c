/* Where a newer state comes from: a commit of the clone, or files over HTTP. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "registry/offer.h"
#include "registry/tidy.h"
#include "util/cleanup.h"

#define TRIES 3 /* at a registry that moves on while it is read */

int iov_trust_advance(struct iov_ctx *ctx, struct iov_trust *trust, const char *commit, int64_t now)
{
	iov_auto(iov_offer_release) struct iov_offer offer = {.source = iov_source_git(trust->repo, commit)};
	if (!strcmp(commit, trust->commit))
		return iov_head_check_fresh(ctx, trust->name, &trust->head, now);
	int rc = iov_offer_take(ctx, trust, &offer, now);
	if (rc)
		return rc;
	snprintf(trust->commit, sizeof(trust->commit), "%s", commit);
	rc = iov_trust_store(ctx, trust);
	return rc ? rc : iov_seen_store(ctx, trust->folder, &offer.seen);
}

/* ---- over HTTP ---- */

/* A head as the server gave it. */
struct seen {
	struct iov_buf note; /* data NULL: the one that is known */
	char *etag;
};

static void seen_release(struct seen *seen)
{
	iov_buf_release(&seen->note);
	free(seen->etag);
}

static int look(struct iov_ctx *ctx, struct iov_trust *trust, const char *etag, struct seen *ret)
{
	seen_release(ret);
	*ret = (struct seen){.etag = NULL};
	int rc = iov_sparse_head(ctx, trust->sparse, etag, &ret->note, &ret->etag);
	if (!rc && trust->note && ret->note.data && !strcmp(trust->note, ret->note.data))
		iov_buf_release(&ret->note);
	return rc;
}

static int take(struct iov_ctx *ctx, struct iov_trust *trust, struct seen *seen, int64_t now)
{
	iov_auto(iov_offer_release) struct iov_offer offer = {.source = iov_sparse_source(trust->sparse)};
	struct iov_buf *head = &offer.files[IOV_OFFER_HEAD];
	iov_buf_add(head, seen->note.data, seen->note.len);
	if (iov_buf_failed(head))
		return iov_oom(ctx);
	int rc = iov_offer_take(ctx, trust, &offer, now);
	if (rc)
		return rc;
	free(trust->etag);
	trust->etag = iov_take(seen->etag);
	rc = iov_trust_store(ctx, trust);
	if (!rc)
		rc = iov_seen_store(ctx, trust->folder, &offer.seen);
	iov_sparse_prune(trust->sparse);
	return rc;
}

/* Files that do not fit the head are no attack when it has been replaced while they were read. */
static bool has_moved_on(struct iov_ctx *ctx, struct iov_trust *trust, struct seen *seen)
{
	iov_auto(seen_release) struct seen again = {.etag = NULL};
	struct iov_saved_error saved = iov_error_save(ctx);
	bool moved =
		!look(ctx, trust, NULL, &again) && again.note.data &&
		(again.note.len != seen->note.len || memcmp(again.note.data, seen->note.data, seen->note.len) != 0);
	iov_error_restore(ctx, saved);
	if (moved) {
		struct seen old = *seen;
		*seen = again;
		again = old;
	}
	return moved;
}

int iov_trust_advance_sparse(struct iov_ctx *ctx, struct iov_trust *trust, int64_t now)
{
	iov_auto(seen_release) struct seen seen = {.etag = NULL};
	int rc = look(ctx, trust, trust->etag, &seen);
	if (rc)
		return rc;
	if (!seen.note.data)
		return iov_head_check_fresh(ctx, trust->name, &trust->head, now);
	for (int tries = 1; (rc = take(ctx, trust, &seen, now)) == IOV_E_UNTRUSTED && tries < TRIES; tries++)
		if (!has_moved_on(ctx, trust, &seen))
			break;
	return rc;
}

/* ---- update ---- */

int iov_trust_lock(struct iov_ctx *ctx, const struct iov_trust *trust, int *ret_fd)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/lock", trust->folder) < 0)
		return iov_oom(ctx);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		int err = errno;
		if (fd >= 0)
			close(fd);
		return iov_error_errno(ctx, err, "cannot lock '%s'", path);
	}
	*ret_fd = fd;
	return IOV_OK;
}

static int fetch(struct iov_ctx *ctx, struct iov_trust *trust, int64_t now)
{
	char commit[IOV_COMMIT_SIZE];
	if (trust->sparse)
		return iov_trust_advance_sparse(ctx, trust, now);
	int rc = iov_git_fetch(ctx, trust->repo, trust->url, "refs/heads/main", commit);
	if (rc == IOV_E_NETWORK || rc == IOV_E_NOT_FOUND)
		return iov_error_prefix(ctx, "registry '%s'", trust->name);
	rc = rc ? rc : iov_trust_advance(ctx, trust, commit, now);
	iov_trust_tidy(ctx, trust);
	return rc;
}

int iov_trust_update(struct iov_ctx *ctx, struct iov_trust *trust, int64_t now)
{
	iov_auto(iov_close_fd) int fd = -1;
	struct iov_trust *fresh = NULL;
	int rc = iov_trust_lock(ctx, trust, &fd);
	if (!rc)
		rc = iov_trust_open(ctx, trust->name, &fresh);
	if (!rc && fresh->sparse && trust->sparse)
		iov_sparse_adopt(fresh->sparse, trust->sparse);
	if (!rc)
		rc = fetch(ctx, fresh, now);
	if (!rc) {
		struct iov_trust old = *trust;
		*trust = *fresh;
		*fresh = old;
	}
	iov_trust_free(fresh);
	return rc;
}
