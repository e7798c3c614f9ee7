/* From the state that this host trusts to a newer one, or a refusal that says which attack it stops. */
#include "registry/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "registry/describe.h"
#include "registry/listing.h"
#include "registry/log.h"
#include "registry/seen.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define ROOTS_AT_ONCE 4 /* roots asked for with the head: more than one new root since the last update is rare */

enum file {
	FILE_HEAD,
	FILE_CHECKPOINT,
	FILE_DESCRIPTION,
	FILE_TOP,
	FILE_ROOTS,
	FILE_COUNT = FILE_ROOTS + ROOTS_AT_ONCE
};

/* What is looked at, all of one commit. */
struct offer {
	struct iov_source source;
	struct iov_buf files[FILE_COUNT];
	struct iov_head head;
	struct iov_seen seen; /* what this host knows once it is taken */
};

static void offer_release(struct offer *offer)
{
	iov_seen_release(&offer->seen);
	iov_bufs_release(offer->files, FILE_COUNT);
}

static int read_offer(struct iov_ctx *ctx, const struct iov_trust *trust, struct offer *offer)
{
	static const char *const needed[FILE_ROOTS] = {IOV_HEAD_PATH, IOV_CHECKPOINT_PATH, IOV_DESCRIPTION_PATH,
						       IOV_TOP_PATH};
	char roots[ROOTS_AT_ONCE][IOV_ROOT_PATH_MAX];
	const char *paths[FILE_COUNT];
	memcpy(paths, needed, sizeof(needed));
	for (size_t i = 0; i < ROOTS_AT_ONCE; i++) {
		iov_root_path(trust->n_roots + 1 + i, roots[i]);
		paths[FILE_ROOTS + i] = roots[i];
	}
	int rc = offer->source.read(ctx, &offer->source, paths, FILE_COUNT, IOV_LISTING_MAX, offer->files);
	for (size_t i = 0; !rc && i < FILE_ROOTS; i++)
		if (!offer->files[i].data)
			return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' is no registry: it has no '%s'; check the URL",
					 trust->url, needed[i]);
	return rc;
}

/* ---- roots ---- */

static int add_root(struct iov_ctx *ctx, struct iov_trust *trust, const struct iov_buf *note)
{
	char what[160];
	struct iov_root *root = NULL;
	snprintf(what, sizeof(what), "root %zu of registry '%s'", trust->n_roots + 1, trust->name);
	int rc = iov_root_parse(ctx, what, note->data, note->len, &root);
	if (rc)
		return rc;
	rc = iov_root_check_next(ctx, what, iov_trust_root(trust), root);
	if (rc) {
		iov_root_free(root);
		return rc;
	}
	return iov_trust_add_root(ctx, trust, root);
}

static int follow_roots(struct iov_ctx *ctx, struct iov_trust *trust, struct offer *offer)
{
	int rc = IOV_OK;
	size_t i;
	for (i = 0; !rc && i < ROOTS_AT_ONCE && offer->files[FILE_ROOTS + i].data; i++)
		rc = add_root(ctx, trust, &offer->files[FILE_ROOTS + i]);
	for (bool more = !rc && i == ROOTS_AT_ONCE; more && !rc;) {
		char path[IOV_ROOT_PATH_MAX];
		const char *paths = path;
		iov_auto(iov_buf_release) struct iov_buf note = {0};
		iov_root_path(trust->n_roots + 1, path);
		rc = offer->source.read(ctx, &offer->source, &paths, 1, IOV_NOTE_MAX, &note);
		more = note.data != NULL;
		if (!rc && more)
			rc = add_root(ctx, trust, &note);
	}
	return rc;
}

/* What the new head is measured by: the one seen before, unless a new root says where to go on from. */
static struct iov_head measure(const struct iov_trust *trust, size_t roots_before)
{
	struct iov_head seen = trust->head;
	for (size_t i = roots_before; i < trust->n_roots; i++) {
		const struct iov_root *root = trust->roots[i];
		if (!root->resumes)
			continue;
		seen = (struct iov_head){.log_size = root->resume_size};
		memcpy(seen.log_root.bytes, root->resume_root, sizeof(seen.log_root.bytes));
	}
	return seen;
}

/* ---- head ---- */

static int check_top(struct iov_ctx *ctx, const struct iov_trust *trust, const struct offer *offer)
{
	const struct iov_buf *top = &offer->files[FILE_TOP];
	char sha256[IOV_HEX_SIZE];
	iov_sha256_hex(top->data, top->len, sha256);
	if (top->len == offer->head.manifest_size && !strcmp(sha256, offer->head.manifest))
		return IOV_OK;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "the index manifest of registry '%s' is not the one that head %llu names (mix-and-match "
			 "attack); the last good state is "
			 "kept, update again later",
			 trust->name, (unsigned long long)offer->head.version);
}

static int log_forked(struct iov_ctx *ctx, const char *name, const struct iov_head *seen, const struct iov_head *head)
{
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "the log of registry '%s' with %llu entries does not go on from the %llu entries seen before "
			 "(fork): releases may have "
			 "been replaced or taken away; the last good state is kept, ask the registry's host",
			 name, (unsigned long long)head->log_size, (unsigned long long)seen->log_size);
}

/* Proves from the tiles that the log has this root, and that it extends the log seen before. */
static int check_log(struct iov_ctx *ctx, const struct iov_trust *trust, const struct offer *offer,
		     const struct iov_head *seen)
{
	const struct iov_head *head = &offer->head;
	iov_auto(iov_log_release) struct iov_log log;
	struct iov_proof proof = {.count = 0};
	struct iov_hash root;
	iov_log_init(&log, &offer->source, head->log_size);
	if (seen->log_size == head->log_size && seen->version)
		return IOV_OK; /* iov_head_check_after() has compared the roots */
	int rc = iov_log_root(ctx, &log, &root);
	if (!rc && !iov_hash_equal(&root, &head->log_root))
		return iov_error(
			ctx, IOV_E_UNTRUSTED,
			"the log tiles of registry '%s' do not give the root that head %llu names; update again later",
			trust->name, (unsigned long long)head->version);
	if (rc || !seen->log_size)
		return rc;
	rc = iov_log_prove_consistent(ctx, &log, seen->log_size, &proof);
	if (!rc && !iov_merkle_consistent(seen->log_size, head->log_size, proof.hashes, proof.count, &seen->log_root,
					  &head->log_root))
		return log_forked(ctx, trust->name, seen, head);
	return rc;
}

/* That no release that this host knows was taken away, replaced, or given back. Where a new root resumes from an
 * earlier log, what came after is not held against it. */
static int check_seen(struct iov_ctx *ctx, const struct iov_trust *trust, struct offer *offer,
		      const struct iov_head *seen)
{
	const struct iov_buf *top = &offer->files[FILE_TOP];
	const struct iov_seen_offer state = {
		.registry = trust->name,
		.source = &offer->source,
		.root = iov_trust_root(trust),
		.head = &offer->head,
		.top = top->data,
		.top_len = top->len,
		.known = seen->version ? UINT64_MAX : seen->log_size,
	};
	int rc = iov_seen_open(ctx, trust->folder, &offer->seen);
	return rc ? rc : iov_seen_check(ctx, &state, &offer->seen);
}

static int check_offer(struct iov_ctx *ctx, struct iov_trust *trust, struct offer *offer, int64_t now)
{
	size_t roots_before = trust->n_roots;
	char what[160];
	const struct iov_buf *head = &offer->files[FILE_HEAD], *checkpoint = &offer->files[FILE_CHECKPOINT];
	int rc = follow_roots(ctx, trust, offer);
	if (rc)
		return rc;
	const struct iov_root *root = iov_trust_root(trust);
	struct iov_head seen = measure(trust, roots_before);
	snprintf(what, sizeof(what), "root %llu of registry '%s'", (unsigned long long)root->version, trust->name);
	rc = iov_root_check_fresh(ctx, what, root, now);
	if (!rc)
		rc = iov_head_parse(ctx, trust->name, head->data, head->len, root, &offer->head);
	if (!rc)
		rc = iov_head_check_after(ctx, trust->name, &seen, &offer->head);
	if (!rc)
		rc = iov_head_check_fresh(ctx, trust->name, &offer->head, now);
	if (!rc)
		rc = check_top(ctx, trust, offer);
	if (!rc)
		rc = iov_checkpoint_check(ctx, trust->name, checkpoint->data, checkpoint->len, root, &offer->head);
	if (!rc)
		rc = check_log(ctx, trust, offer, &seen);
	if (!rc && strcmp(trust->head.manifest, offer->head.manifest) != 0)
		rc = check_seen(ctx, trust, offer, &seen);
	return rc ? rc : iov_description_check(ctx, trust->name, &offer->files[FILE_DESCRIPTION], root);
}

static void forget_roots(struct iov_trust *trust, size_t keep)
{
	while (trust->n_roots > keep)
		iov_root_free(trust->roots[--trust->n_roots]);
}

int iov_trust_advance(struct iov_ctx *ctx, struct iov_trust *trust, const char *commit, int64_t now)
{
	iov_auto(offer_release) struct offer offer = {.source = iov_source_git(trust->repo, commit)};
	size_t roots_before = trust->n_roots;
	if (!strcmp(commit, trust->commit))
		return iov_head_check_fresh(ctx, trust->name, &trust->head, now);
	int rc = read_offer(ctx, trust, &offer);
	if (!rc)
		rc = check_offer(ctx, trust, &offer, now);
	if (rc) {
		forget_roots(trust, roots_before);
		return rc;
	}
	trust->head = offer.head;
	snprintf(trust->commit, sizeof(trust->commit), "%s", commit);
	rc = iov_trust_store(ctx, trust, offer.files[FILE_HEAD].data);
	return rc ? rc : iov_seen_store(ctx, trust->folder, &offer.seen);
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
	int rc = iov_git_fetch(ctx, trust->repo, trust->url, "refs/heads/main", commit);
	if (rc == IOV_E_NETWORK || rc == IOV_E_NOT_FOUND)
		return iov_error_prefix(ctx, "registry '%s'", trust->name);
	return rc ? rc : iov_trust_advance(ctx, trust, commit, now);
}

int iov_trust_update(struct iov_ctx *ctx, struct iov_trust *trust, int64_t now)
{
	iov_auto(iov_close_fd) int fd = -1;
	struct iov_trust *fresh = NULL;
	int rc = iov_trust_lock(ctx, trust, &fd);
	if (!rc)
		rc = iov_trust_open(ctx, trust->name, &fresh);
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
