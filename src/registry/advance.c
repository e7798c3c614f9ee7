/* From the state that this host trusts to a newer one, or a refusal that says which attack it stops. */
#include <stdio.h>
#include <string.h>

#include "registry/describe.h"
#include "registry/listing.h"
#include "registry/log.h"
#include "registry/offer.h"
#include "registry/witness.h"
#include "registry/seen.h"
#include "util/cleanup.h"

void iov_offer_release(struct iov_offer *offer)
{
	iov_seen_release(&offer->seen);
	iov_bufs_release(offer->files, IOV_OFFER_FILES);
	free(offer->packages);
}

/* ---- reading it: all with one question ---- */

struct question {
	char roots[IOV_OFFER_ROOTS][IOV_ROOT_PATH_MAX];
	const char *paths[IOV_OFFER_FILES];
	enum iov_offer_file files[IOV_OFFER_FILES]; /* which they are */
	size_t count;
};

static void want(struct question *question, const struct iov_offer *offer, enum iov_offer_file file, const char *path)
{
	if (offer->files[file].data)
		return;
	question->files[question->count] = file;
	question->paths[question->count++] = path;
}

/* Where each file costs a request, none is asked for that the head knows nothing of, nor one that is at hand. */
static int spare(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_offer *offer, size_t *ret_roots)
{
	const struct iov_buf *head = &offer->files[IOV_OFFER_HEAD];
	struct iov_head_claim claim;
	*ret_roots = IOV_OFFER_ROOTS;
	if (!offer->source.recall || !head->data)
		return IOV_OK;
	int rc = iov_head_peek(ctx, trust->name, head->data, head->len, &claim);
	if (rc)
		return rc;
	uint64_t newer = claim.root > trust->n_roots ? claim.root - trust->n_roots : 0;
	*ret_roots = newer < IOV_OFFER_ROOTS ? (size_t)newer : IOV_OFFER_ROOTS;
	iov_source_recall(&offer->source, &claim.manifest, &offer->files[IOV_OFFER_TOP]);
	return IOV_OK;
}

static int read_offer(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_offer *offer)
{
	static const char *const needed[] = {IOV_HEAD_PATH, IOV_CHECKPOINT_PATH, IOV_DESCRIPTION_PATH, IOV_TOP_PATH};
	struct iov_buf texts[IOV_OFFER_FILES] = {{0}};
	struct question question = {.count = 0};
	size_t roots;
	int rc = spare(ctx, trust, offer, &roots);
	if (rc)
		return rc;
	for (size_t i = 0; i < IOV_COUNT(needed); i++)
		want(&question, offer, (enum iov_offer_file)i, needed[i]);
	for (size_t i = 0; i < roots; i++) {
		iov_root_path(trust->n_roots + 1 + i, question.roots[i]);
		want(&question, offer, (enum iov_offer_file)(IOV_OFFER_FIRST_ROOT + i), question.roots[i]);
	}
	rc = offer->source.read(ctx, &offer->source, question.paths, question.count, IOV_LISTING_MAX, texts);
	for (size_t i = 0; i < question.count; i++)
		offer->files[question.files[i]] = texts[i];
	for (size_t i = 0; !rc && i < IOV_COUNT(needed); i++)
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

static int follow_roots(struct iov_ctx *ctx, struct iov_trust *trust, struct iov_offer *offer)
{
	int rc = IOV_OK;
	size_t i;
	for (i = 0; !rc && i < IOV_OFFER_ROOTS && offer->files[IOV_OFFER_FIRST_ROOT + i].data; i++)
		rc = add_root(ctx, trust, &offer->files[IOV_OFFER_FIRST_ROOT + i]);
	for (bool more = !rc && i == IOV_OFFER_ROOTS; more && !rc;) {
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

static int check_top(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_offer *offer)
{
	struct iov_buf *top = &offer->files[IOV_OFFER_TOP];
	struct iov_listed listed = {.size = offer->head.manifest_size};
	memcpy(listed.sha256, offer->head.manifest, IOV_HEX_SIZE);
	int rc = iov_source_settle(ctx, &offer->source, &listed, top);
	if (rc || iov_listed_is(&listed, top->data, top->len))
		return rc;
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
static int check_log(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_offer *offer,
		     const struct iov_head *seen)
{
	const struct iov_head *head = &offer->head;
	iov_auto(iov_log_release) struct iov_log log;
	struct iov_proof proof = {.count = 0};
	struct iov_hash root;
	iov_log_init(&log, &offer->source, head->log_size);
	if (seen->log_size == head->log_size && seen->version)
		return IOV_OK; /* iov_head_check_after() has compared the roots */
	int rc = IOV_OK;
	/* That tiles are there says nothing of a log that nobody has seen yet, and over HTTP each is a request. */
	if (!seen->log_size && offer->source.recall)
		return IOV_OK;
	rc = iov_log_root(ctx, &log, &root);
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
static int check_seen(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_offer *offer,
		      const struct iov_head *seen)
{
	const struct iov_buf *top = &offer->files[IOV_OFFER_TOP];
	const struct iov_seen_offer state = {
		.registry = trust->name,
		.source = &offer->source,
		.roots = trust->roots,
		.n_roots = trust->n_roots,
		.head = &offer->head,
		.top = top->data,
		.top_len = top->len,
		.known = seen->version ? UINT64_MAX : seen->log_size,
	};
	int rc = iov_seen_open(ctx, trust->folder, &offer->seen);
	return rc ? rc : iov_seen_check(ctx, &state, &offer->seen);
}

static int check_offer(struct iov_ctx *ctx, struct iov_trust *trust, struct iov_offer *offer, int64_t now)
{
	size_t roots_before = trust->n_roots;
	char what[160];
	const struct iov_buf *head = &offer->files[IOV_OFFER_HEAD], *checkpoint = &offer->files[IOV_OFFER_CHECKPOINT];
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
		rc = iov_witness_check(ctx, trust->name, trust->witnesses, (size_t)trust->cosigners, checkpoint);
	if (!rc)
		rc = check_log(ctx, trust, offer, &seen);
	if (!rc && strcmp(trust->head.manifest, offer->head.manifest) != 0)
		rc = check_seen(ctx, trust, offer, &seen);
	return rc ? rc
		  : iov_description_check(ctx, trust->name, &offer->files[IOV_OFFER_DESCRIPTION], root,
					  &offer->packages);
}

/* What this host may have of what was taken back, it should hear of. */
static void tell_resumed(struct iov_ctx *ctx, const struct iov_trust *trust, size_t roots_before)
{
	for (size_t i = roots_before; i < trust->n_roots; i++) {
		const struct iov_root *root = trust->roots[i];
		if (root->resumes && trust->head.log_size > root->resume_size)
			iov_warn(ctx,
				 "registry '%s' goes on from entry %llu of its log, as its root %llu says: its key was "
				 "stolen, and releases that came after are taken back; 'iovpkg verify' tells whether "
				 "one "
				 "is installed here",
				 trust->name, (unsigned long long)root->resume_size, (unsigned long long)root->version);
	}
}

static void forget_roots(struct iov_trust *trust, size_t keep)
{
	while (trust->n_roots > keep)
		iov_root_free(trust->roots[--trust->n_roots]);
}

int iov_offer_take(struct iov_ctx *ctx, struct iov_trust *trust, struct iov_offer *offer, int64_t now)
{
	size_t roots_before = trust->n_roots;
	int rc = read_offer(ctx, trust, offer);
	if (!rc)
		rc = check_offer(ctx, trust, offer, now);
	if (rc) {
		forget_roots(trust, roots_before);
		return rc;
	}
	tell_resumed(ctx, trust, roots_before);
	trust->head = offer->head;
	free(trust->note);
	free(trust->packages);
	trust->note = iov_buf_take(&offer->files[IOV_OFFER_HEAD]);
	trust->packages = iov_take(offer->packages);
	return IOV_OK;
}
