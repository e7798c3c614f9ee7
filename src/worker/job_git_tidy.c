/* A clone in one pack: `git-gather` writes what is still needed into a new one, and `git-drop-packs` ends those that an
 * earlier one made superfluous. docs/registry-format.md tells when, and why in this order. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/git.h"
#include "worker/worker.h"

#define ARCHIVES "refs/packages/*"
#define BRANCHES "refs/heads/*"
#define PACK_NAME_LEN 45	  /* "pack-" and 40 hex digits */
#define SUPERSEDED_MAX (1u << 20) /* bytes of that list: 20,000 packs */

/* ---- gathering -------------------------------------------------------------------------------------------------- */

struct gather {
	git_repository *repo;
	git_packbuilder *builder;
	git_revwalk *walk; /* NULL: the clone is one commit deep */
};

static void gather_release(struct gather *gather)
{
	git_revwalk_free(gather->walk);
	git_packbuilder_free(gather->builder);
	git_repository_free(gather->repo);
}

/* Archives are in the cache by now; whoever wants one again fetches it again. */
static int drop_archive_ref(const char *ref, void *payload)
{
	return git_reference_remove(payload, ref);
}

static int drop_archive_refs(struct iov_job *job, git_repository *repo)
{
	int rc = git_reference_foreach_glob(repo, ARCHIVES, drop_archive_ref, repo);
	return rc ? iov_git_error(job->ctx, rc, "cannot drop the archives of '%s'", git_repository_path(repo)) : IOV_OK;
}

static int add_commit(struct gather *gather, const git_oid *id)
{
	return gather->walk ? git_revwalk_push(gather->walk, id) : git_packbuilder_insert_commit(gather->builder, id);
}

static int add_branch(const char *ref, void *payload)
{
	git_oid id;
	struct gather *gather = payload;
	int rc = git_reference_name_to_id(&id, gather->repo, ref);
	return rc ? rc : add_commit(gather, &id);
}

static int add_kept(struct gather *gather, const char *commit)
{
	git_oid id;
	int rc = git_oid_fromstr(&id, commit);
	return rc ? rc : add_commit(gather, &id);
}

/* A fetch counts on the whole history of a branch being there, or on where the file "shallow" says that it ends. */
static int choose(struct gather *gather, const char *keep)
{
	int rc = git_packbuilder_new(&gather->builder, gather->repo);
	if (!rc && !git_repository_is_shallow(gather->repo))
		rc = git_revwalk_new(&gather->walk, gather->repo);
	rc = rc ? rc : git_reference_foreach_glob(gather->repo, BRANCHES, add_branch, gather);
	if (!rc && keep)
		rc = add_kept(gather, keep);
	return !rc && gather->walk ? git_packbuilder_insert_walk(gather->builder, gather->walk) : rc;
}

int iov_job_git_gather(struct iov_job *job)
{
	const char *keep = NULL;
	iov_auto(gather_release) struct gather gather = {.repo = NULL};
	int rc = iov_json_opt_string(job->ctx, "worker request", job->request, "keep", &keep);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : iov_git_open(job, &gather.repo);
	rc = rc ? rc : iov_git_sweep(job, gather.repo);
	rc = rc ? rc : drop_archive_refs(job, gather.repo);
	if (rc)
		return rc;
	rc = choose(&gather, keep);
	rc = rc ? rc : git_packbuilder_write(gather.builder, NULL, 0, NULL, NULL);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot pack '%s' anew", git_repository_path(gather.repo));
	snprintf(job->answer, sizeof(job->answer), "%.40s", git_packbuilder_name(gather.builder));
	return IOV_OK;
}

/* ---- dropping --------------------------------------------------------------------------------------------------- */

struct drop {
	char whole[PACK_NAME_LEN + 1];
	struct iov_buf folder; /* of the packs */
	struct iov_buf list;   /* path of the list */
	struct iov_buf old;    /* its text until now: of these nobody reads any more */
	struct iov_buf rest;   /* and from now on */
	char **names;
	size_t count;
};

static void drop_release(struct drop *drop)
{
	iov_buf_release(&drop->folder);
	iov_buf_release(&drop->list);
	iov_buf_release(&drop->old);
	iov_buf_release(&drop->rest);
	iov_fs_names_free(drop->names, drop->count);
}

static int read_names(struct iov_job *job, git_repository *repo, struct drop *drop)
{
	iov_buf_printf(&drop->folder, "%sobjects/pack", git_repository_path(repo));
	iov_buf_printf(&drop->list, "%s" IOV_GIT_SUPERSEDED, git_repository_path(repo));
	if (iov_buf_failed(&drop->folder) || iov_buf_failed(&drop->list))
		return iov_oom(job->ctx);
	int err = iov_fs_read(drop->list.data, SUPERSEDED_MAX, &drop->old);
	if (err && err != -ENOENT)
		return iov_error_errno(job->ctx, err, "cannot read '%s'", drop->list.data);
	err = iov_fs_names(drop->folder.data, &drop->names, &drop->count);
	return err ? iov_error_errno(job->ctx, err, "cannot read '%s'", drop->folder.data) : IOV_OK;
}

static bool is_pack(const char *name)
{
	return !strncmp(name, "pack-", 5) && strlen(name) > PACK_NAME_LEN && name[PACK_NAME_LEN] == '.';
}

static bool is_listed(const struct drop *drop, const char *name)
{
	char line[PACK_NAME_LEN + 2];
	snprintf(line, sizeof(line), "%.45s\n", name);
	return drop->old.data && strstr(drop->old.data, line);
}

static int end_file(struct iov_job *job, const struct drop *drop, const char *name)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", drop->folder.data, name);
	if (iov_buf_failed(&path))
		return iov_oom(job->ctx);
	return unlink(path.data) && errno != ENOENT ? iov_error_errno(job->ctx, errno, "cannot remove '%s'", path.data)
						    : IOV_OK;
}

/* Sorted, an index goes before its pack: without one, a pack is no part of the repository. */
static int sort_out(struct iov_job *job, struct drop *drop)
{
	int rc = IOV_OK;
	for (size_t i = 0; i < drop->count && !rc; i++) {
		const char *name = drop->names[i];
		if (!is_pack(name) || !strncmp(name, drop->whole, PACK_NAME_LEN))
			continue;
		if (is_listed(drop, name))
			rc = end_file(job, drop, name);
		else if (!strcmp(name + PACK_NAME_LEN, ".idx"))
			iov_buf_printf(&drop->rest, "%.45s\n", name);
	}
	return rc;
}

int iov_job_git_drop_packs(struct iov_job *job)
{
	const char *whole;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(drop_release) struct drop drop = {.names = NULL};
	int rc = iov_job_string(job, "whole", &whole);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : iov_git_open(job, &repo);
	if (rc)
		return rc;
	snprintf(drop.whole, sizeof(drop.whole), "pack-%.40s", whole);
	rc = read_names(job, repo, &drop);
	rc = rc ? rc : sort_out(job, &drop);
	if (rc)
		return rc;
	iov_buf_add(&drop.rest, "", 0);
	if (iov_buf_failed(&drop.rest))
		return iov_oom(job->ctx);
	int err = iov_fs_replace(drop.list.data, drop.rest.data, drop.rest.len, 0644);
	return err ? iov_error_errno(job->ctx, err, "cannot write '%s'", drop.list.data) : IOV_OK;
}
