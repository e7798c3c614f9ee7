/* The commit job: blobs as they come in, one tree made from the parent's, one commit, and the ref moved only from where
 * it is expected. */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "worker/git.h"

#define FILE_MAX (64u << 20) /* bytes of one file: twice the largest archive */
#define FILES_MAX 65536

struct changes {
	git_repository *repo;
	git_tree *base; /* NULL: an empty tree */
	git_tree_update *items;
	size_t count;
	struct iov_buf file; /* the one that comes in now */
	uint64_t size;
	bool open; /* `file` is the last item's content */
};

static void changes_release(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		free((char *)changes->items[i].path);
	free(changes->items);
	iov_buf_release(&changes->file);
	git_tree_free(changes->base);
	git_repository_free(changes->repo);
}

static int broken_input(struct iov_job *job)
{
	return iov_error(job->ctx, IOV_E_INTERNAL, "the worker's input is broken");
}

/* Turns the content that came in into a blob. */
static int close_file(struct iov_job *job, struct changes *changes)
{
	if (!changes->open)
		return IOV_OK;
	if (changes->file.len != changes->size)
		return broken_input(job);
	git_tree_update *item = &changes->items[changes->count - 1];
	int rc = git_blob_create_from_buffer(&item->id, changes->repo, changes->file.data, changes->file.len);
	iov_buf_release(&changes->file);
	changes->open = false;
	return rc ? iov_git_error(job->ctx, rc, "cannot store '%s'", item->path) : IOV_OK;
}

static int add_item(struct iov_job *job, struct changes *changes, const char *path, git_tree_update_t action)
{
	if (changes->count == FILES_MAX)
		return iov_error(job->ctx, IOV_E_INPUT, "more than %d files in one commit", FILES_MAX);
	git_tree_update *items = reallocarray(changes->items, changes->count + 1, sizeof(*items));
	if (!items)
		return iov_oom(job->ctx);
	changes->items = items;
	char *copy = strdup(path);
	if (!copy)
		return iov_oom(job->ctx);
	items[changes->count++] = (git_tree_update){.action = action, .filemode = GIT_FILEMODE_BLOB, .path = copy};
	return IOV_OK;
}

/* Removing what is not there is no change. */
static bool is_in_base(const struct changes *changes, const char *path)
{
	iov_auto(iov_git_free_entry) git_tree_entry *entry = NULL;
	return changes->base && git_tree_entry_bypath(&entry, changes->base, path) == 0;
}

static int begin_file(struct iov_job *job, struct changes *changes)
{
	const char *path;
	int rc = close_file(job, changes);
	if (rc)
		return rc;
	if (!iov_frame_parse_file(&job->frame, &path, &changes->size))
		return broken_input(job);
	if (changes->size == IOV_NO_FILE)
		return is_in_base(changes, path) ? add_item(job, changes, path, GIT_TREE_UPDATE_REMOVE) : IOV_OK;
	if (changes->size > FILE_MAX)
		return iov_error(job->ctx, IOV_E_INPUT, "'%s' has more than the %u bytes that a commit takes", path,
				 FILE_MAX);
	changes->open = true;
	iov_buf_add(&changes->file, "", 0);
	return add_item(job, changes, path, GIT_TREE_UPDATE_UPSERT);
}

static int fill_file(struct iov_job *job, struct changes *changes)
{
	if (!changes->open || job->frame.len > changes->size - changes->file.len)
		return broken_input(job);
	iov_buf_add(&changes->file, job->frame.payload, job->frame.len);
	return iov_buf_failed(&changes->file) ? iov_oom(job->ctx) : IOV_OK;
}

static int receive_changes(struct iov_job *job, struct changes *changes)
{
	int rc;
	while (!(rc = iov_job_next(job)) && job->frame.type != IOV_FRAME_END) {
		rc = job->frame.type == IOV_FRAME_FILE ? begin_file(job, changes) : fill_file(job, changes);
		if (rc)
			return rc;
	}
	return rc ? rc : close_file(job, changes);
}

/* A commit without changes keeps the parent's tree; libgit2 has no empty update of nothing. */
static int make_tree(struct iov_job *job, struct changes *changes, git_tree **ret)
{
	git_oid id;
	int rc = git_tree_create_updated(&id, changes->repo, changes->base, changes->count, changes->items);
	rc = rc ? rc : git_tree_lookup(ret, changes->repo, &id);
	return rc ? iov_git_error(job->ctx, rc, "cannot make the commit's tree") : IOV_OK;
}

/* Without a time zone and a person: what a commit says of its author is fixed. */
static int make_commit(struct iov_job *job, git_repository *repo, git_tree *tree, git_commit *parent, git_oid *ret)
{
	const char *message;
	uint64_t time;
	iov_auto(iov_git_free_signature) git_signature *author = NULL;
	int rc = iov_job_string(job, "message", &message);
	rc = rc ? rc : iov_job_uint(job, "time", &time);
	if (rc)
		return rc;
	rc = git_signature_new(&author, "iovpkg", "iovpkg", (git_time_t)time, 0);
	const git_commit *parents[] = {parent};
	rc = rc ? rc
		: git_commit_create(ret, repo, NULL, author, author, NULL, message, tree, parent ? 1 : 0,
				    (void *)parents);
	return rc ? iov_git_error(job->ctx, rc, "cannot commit") : IOV_OK;
}

/* On a full disk libgit2 may notice only here that an object is not what it was to be. */
static bool is_there(git_repository *repo, const git_oid *id)
{
	git_odb *odb = NULL;
	bool there = git_repository_odb(&odb, repo) == 0 && git_odb_exists(odb, id);
	git_odb_free(odb);
	return there;
}

static int set_ref(git_reference **ref, git_repository *repo, const char *name, const git_commit *parent,
		   const git_oid *id)
{
	if (parent)
		return git_reference_create_matching(ref, repo, name, id, 1, git_commit_id(parent), NULL);
	return git_reference_create(ref, repo, name, id, 0, NULL);
}

/* From `parent` to `id`, or not at all: somebody else may have moved the ref since the caller looked. */
static int move_ref(struct iov_job *job, git_repository *repo, const git_commit *parent, const git_oid *id)
{
	const char *name;
	iov_auto(iov_git_free_reference) git_reference *ref = NULL;
	int rc = iov_job_string(job, "ref", &name);
	if (rc)
		return rc;
	rc = set_ref(&ref, repo, name, parent, id);
	if (rc == GIT_ELOCKED && iov_git_end_lock(repo, name, IOV_GIT_SHARED_LOCK_MS))
		rc = set_ref(&ref, repo, name, parent, id);
	if (rc == GIT_EMODIFIED || rc == GIT_EEXISTS || rc == GIT_ELOCKED || (parent && rc == GIT_ENOTFOUND))
		return iov_error(job->ctx, IOV_E_BUSY, "'%s' of '%s' was changed by somebody else meanwhile; try again",
				 name, git_repository_path(repo));
	if (rc && !is_there(repo, id))
		return iov_error(job->ctx, IOV_E_SPACE,
				 "'%s' has not kept what was just written to it; is there no space left on its disk?",
				 git_repository_path(repo));
	return rc ? iov_git_error(job->ctx, rc, "cannot move ref '%s'", name) : IOV_OK;
}

static int open_commit(struct iov_job *job, git_repository *repo, const char *member, git_commit **ret)
{
	const char *text = NULL;
	git_oid id;
	int rc = iov_json_opt_string(job->ctx, "worker request", job->request, member, &text);
	if (rc || !text)
		return rc;
	if (git_oid_fromstr(&id, text))
		return iov_error(job->ctx, IOV_E_INPUT, "'%s' is not a commit id", text);
	rc = git_commit_lookup(ret, repo, &id);
	return rc ? iov_git_error(job->ctx, rc, "cannot read commit %s", text) : IOV_OK;
}

/* The tree that the changes are made to: the parent's, or that of another commit that is gone back to. */
static int open_base(struct iov_job *job, git_repository *repo, const git_commit *parent, git_tree **ret)
{
	iov_auto(iov_git_free_commit) git_commit *other = NULL;
	int rc = open_commit(job, repo, "base", &other);
	const git_commit *from = other ? other : parent;
	if (rc || !from)
		return rc;
	rc = git_commit_tree(ret, from);
	return rc ? iov_git_error(job->ctx, rc, "cannot read the tree of the parent") : IOV_OK;
}

int iov_job_git_commit(struct iov_job *job)
{
	git_oid id;
	iov_auto(changes_release) struct changes changes = {0};
	iov_auto(iov_git_free_commit) git_commit *parent = NULL;
	iov_auto(iov_git_free_tree) git_tree *tree = NULL;
	int rc = iov_git_open(job, &changes.repo);
	if (rc)
		return rc;
	rc = open_commit(job, changes.repo, "parent", &parent);
	rc = rc ? rc : open_base(job, changes.repo, parent, &changes.base);
	rc = rc ? rc : receive_changes(job, &changes);
	rc = rc ? rc : make_tree(job, &changes, &tree);
	rc = rc ? rc : make_commit(job, changes.repo, tree, parent, &id);
	rc = rc ? rc : move_ref(job, changes.repo, parent, &id);
	if (!rc)
		git_oid_tostr(job->answer, sizeof(job->answer), &id);
	return rc;
}
