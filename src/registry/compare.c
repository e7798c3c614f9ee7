#include "registry/compare.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registry/admin.h"
#include "registry/subject.h"
#include "registry/checkpoint.h"
#include "registry/log.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* The other side: a checkpoint, and its log where that can be read. */
struct other {
	struct iov_buf note;
	struct iov_sparse *sparse; /* static files over HTTP; NULL: none */
	char *repo;		   /* NULL: a file alone */
	bool borrowed;		   /* the repository is somebody's, not a copy of ours */
	char commit[IOV_COMMIT_SIZE];
	struct iov_checkpoint checkpoint;
};

static void other_release(struct other *other)
{
	if (other->repo && !other->borrowed)
		iov_fs_rmtree(other->repo);
	free(other->repo);
	iov_sparse_free(other->sparse);
	iov_buf_release(&other->note);
}

static bool has_log(const struct other *other)
{
	return other->repo || other->sparse;
}

static struct iov_source source_of(const struct other *other)
{
	return other->sparse ? iov_sparse_source(other->sparse) : iov_source_git(other->repo, other->commit);
}

static int read_file(struct iov_ctx *ctx, const char *path, struct other *other)
{
	int err = iov_fs_read(path, IOV_HEAD_MAX, &other->note);
	return err ? iov_error_errno(ctx, err, "cannot read checkpoint '%s'", path) : IOV_OK;
}

static int read_checkpoint(struct iov_ctx *ctx, struct other *other)
{
	struct iov_source source = source_of(other);
	return iov_source_read(ctx, &source, IOV_CHECKPOINT_PATH, IOV_HEAD_MAX, &other->note);
}

static int read_here(struct iov_ctx *ctx, const char *path, struct other *other)
{
	other->borrowed = true;
	other->repo = strdup(path);
	if (!other->repo)
		return iov_oom(ctx);
	int rc = iov_git_resolve(ctx, path, IOV_MAIN_REF, other->commit);
	return rc ? rc : read_checkpoint(ctx, other);
}

static int read_there(struct iov_ctx *ctx, const char *url, struct other *other)
{
	other->repo = iov_path(ctx, IOV_CACHE "/compare.%d", getpid());
	if (!other->repo)
		return iov_oom(ctx);
	int err = iov_fs_rmtree(other->repo);
	int rc = err ? iov_error_errno(ctx, err, "cannot remove '%s'", other->repo) : iov_git_init(ctx, other->repo);
	if (!rc)
		rc = iov_git_fetch(ctx, other->repo, url, IOV_MAIN_REF, other->commit);
	return rc ? rc : read_checkpoint(ctx, other);
}

/* Its checkpoint and tiles alone, which nothing is kept of. */
static int read_web(struct iov_ctx *ctx, const char *url, struct other *other)
{
	int rc = iov_sparse_new(ctx, url, url, "", &other->sparse);
	return rc ? rc : read_checkpoint(ctx, other);
}

static int read_other(struct iov_ctx *ctx, const char *what, struct other *other)
{
	bool local = false;
	iov_auto(iov_free_ptr) char *target = NULL;
	iov_auto(iov_free_ptr) char *head = NULL;
	int rc = iov_registry_locate(ctx, what, &local, &target);
	if (rc)
		return rc;
	if (iov_sparse_is(what))
		return read_web(ctx, what, other);
	if (!local)
		return read_there(ctx, what, other);
	if (asprintf(&head, "%s/HEAD", target) < 0) {
		head = NULL;
		return iov_oom(ctx);
	}
	return iov_fs_exists(head) ? read_here(ctx, target, other) : read_file(ctx, target, other);
}

/* ---- judging ---- */

static int extends(struct iov_ctx *ctx, const struct iov_source *source, const struct iov_checkpoint *shorter,
		   const struct iov_checkpoint *longer, bool *ret)
{
	struct iov_proof proof;
	iov_auto(iov_log_release) struct iov_log log;
	*ret = true;
	if (!shorter->size)
		return IOV_OK;
	iov_log_init(&log, source, longer->size);
	int rc = iov_log_prove_consistent(ctx, &log, shorter->size, &proof);
	if (!rc)
		*ret = iov_merkle_consistent(shorter->size, longer->size, proof.hashes, proof.count, &shorter->root,
					     &longer->root);
	return rc;
}

static int longer_elsewhere(struct iov_ctx *ctx, const struct iov_subject *subject, const struct other *other)
{
	return iov_error(
		ctx, IOV_E_CONFLICT,
		"that checkpoint tells of %llu entries and registry '%s' shows %llu: news may be held back from "
		"this host, or it is of a fork; update and compare again, or compare with the repository itself",
		(unsigned long long)other->checkpoint.size, subject->name, (unsigned long long)subject->head->log_size);
}

static int judge(struct iov_ctx *ctx, const struct iov_subject *subject, const struct other *other,
		 const struct iov_checkpoint *ours, const char **ret_relation)
{
	const struct iov_checkpoint *theirs = &other->checkpoint;
	bool good = false;
	int rc = IOV_OK;
	if (theirs->size > ours->size && !has_log(other))
		return longer_elsewhere(ctx, subject, other);
	if (theirs->size == ours->size) {
		*ret_relation = iov_hash_equal(&theirs->root, &ours->root) ? "same" : "fork";
		return IOV_OK;
	}
	if (theirs->size < ours->size) {
		rc = extends(ctx, &subject->source, theirs, ours, &good);
		*ret_relation = good ? "ours extends theirs" : "fork";
		return rc;
	}
	struct iov_source source = source_of(other);
	rc = extends(ctx, &source, ours, theirs, &good);
	*ret_relation = good ? "theirs extends ours" : "fork";
	return rc;
}

static json_t *describe(const struct iov_checkpoint *checkpoint)
{
	char root[IOV_HEX_SIZE];
	iov_hex(checkpoint->root.bytes, sizeof(checkpoint->root.bytes), root);
	return json_pack("{s:s, s:I}", "root", root, "size", (json_int_t)checkpoint->size);
}

int iov_registry_compare_with(struct iov_ctx *ctx, const char *what, const char *other_name, json_t **ret)
{
	iov_auto(iov_subject_release) struct iov_subject subject = {.name = NULL};
	iov_auto(other_release) struct other other = {.repo = NULL};
	const char *relation = "";
	int rc = iov_subject_open(ctx, what, &subject);
	if (!rc)
		rc = read_other(ctx, other_name, &other);
	if (!rc)
		rc = iov_checkpoint_parse(ctx, other_name, other.note.data, other.note.len, subject.root,
					  &other.checkpoint);
	if (rc)
		return rc;
	struct iov_checkpoint ours = {.size = subject.head->log_size, .root = subject.head->log_root};
	rc = judge(ctx, &subject, &other, &ours, &relation);
	if (rc)
		return rc;
	*ret = json_pack("{s:b, s:s, s:o, s:s, s:o}", "consistent", strcmp(relation, "fork") != 0, "origin",
			 subject.root->origin, "ours", describe(&ours), "relation", relation, "theirs",
			 describe(&other.checkpoint));
	return *ret ? IOV_OK : iov_oom(ctx);
}
