/* The jobs on a repository alone, except commit. */
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "worker/git.h"

#define PATHS_MAX 65536 /* in one read_many */

int iov_job_git_init(struct iov_job *job)
{
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	int rc = iov_job_no_input(job);
	return rc ? rc : iov_git_open_or_init(job, &repo);
}

int iov_job_git_resolve(struct iov_job *job)
{
	const char *ref;
	git_oid id;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	int rc = iov_job_string(job, "ref", &ref);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : iov_git_open(job, &repo);
	if (rc)
		return rc;
	rc = git_reference_name_to_id(&id, repo, ref);
	if (rc == GIT_ENOTFOUND)
		return iov_error(job->ctx, IOV_E_NOT_FOUND, "'%s' has no ref '%s'", git_repository_path(repo), ref);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot read ref '%s'", ref);
	git_oid_tostr(job->answer, sizeof(job->answer), &id);
	return IOV_OK;
}

/* libgit2 deletes it from where it was looked up, or not at all. */
static int delete_at(git_repository *repo, const char *ref, const char *commit)
{
	git_oid expected;
	iov_auto(iov_git_free_reference) git_reference *found = NULL;
	int rc = git_oid_fromstr(&expected, commit);
	rc = rc ? rc : git_reference_lookup(&found, repo, ref);
	if (rc)
		return rc;
	const git_oid *there = git_reference_target(found);
	return there && git_oid_equal(there, &expected) ? git_reference_delete(found) : GIT_EMODIFIED;
}

static int delete_ref(git_repository *repo, const char *ref, const char *commit)
{
	return commit ? delete_at(repo, ref, commit) : git_reference_remove(repo, ref);
}

int iov_job_git_delete_ref(struct iov_job *job)
{
	const char *ref, *commit = NULL;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	int rc = iov_job_string(job, "ref", &ref);
	rc = rc ? rc : iov_json_opt_string(job->ctx, "worker request", job->request, "commit", &commit);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : iov_git_open(job, &repo);
	if (rc)
		return rc;
	rc = delete_ref(repo, ref, commit);
	if (rc == GIT_ELOCKED && iov_git_end_lock(repo, ref, IOV_GIT_SHARED_LOCK_MS))
		rc = delete_ref(repo, ref, commit);
	if (rc == GIT_EMODIFIED || rc == GIT_ELOCKED)
		return iov_error(job->ctx, IOV_E_BUSY, "ref '%s' was changed by somebody else meanwhile", ref);
	return rc ? iov_git_error(job->ctx, rc, "cannot delete ref '%s'", ref) : IOV_OK;
}

/* ---- files of a commit ------------------------------------------------------------------------------------------ */

static int open_tree(struct iov_job *job, git_repository *repo, git_tree **ret)
{
	const char *text;
	git_oid id;
	iov_auto(iov_git_free_commit) git_commit *commit = NULL;
	int rc = iov_job_string(job, "commit", &text);
	if (rc)
		return rc;
	if (git_oid_fromstr(&id, text))
		return iov_error(job->ctx, IOV_E_INPUT, "'%s' is not a commit id", text);
	rc = git_commit_lookup(&commit, repo, &id);
	if (rc == GIT_ENOTFOUND)
		return iov_error(job->ctx, IOV_E_NOT_FOUND, "'%s' has no commit %s", git_repository_path(repo), text);
	rc = rc ? rc : git_commit_tree(ret, commit);
	return rc ? iov_git_error(job->ctx, rc, "cannot read commit %s", text) : IOV_OK;
}

static int open_repository_and_tree(struct iov_job *job, git_repository **ret_repo, git_tree **ret_tree)
{
	int rc = iov_git_open(job, ret_repo);
	return rc ? rc : open_tree(job, *ret_repo, ret_tree);
}

/* Its size before its bytes: a blob over the limit is never inflated. */
static int check_size(struct iov_job *job, git_odb *odb, const git_oid *id, const char *path, uint64_t limit)
{
	size_t size;
	git_object_t type;
	int rc = git_odb_read_header(&size, &type, odb, id);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot read '%s'", path);
	if (type != GIT_OBJECT_BLOB)
		return iov_error(job->ctx, IOV_E_NOT_FOUND, "'%s' is not a file", path);
	if (size > limit)
		return iov_error(job->ctx, IOV_E_UNTRUSTED, "'%s' has %zu bytes, more than the %llu allowed", path,
				 size, (unsigned long long)limit);
	return IOV_OK;
}

static int load_file(struct iov_job *job, git_tree *tree, const char *path, uint64_t limit, git_odb_object **ret)
{
	iov_auto(iov_git_free_entry) git_tree_entry *entry = NULL;
	int rc = git_tree_entry_bypath(&entry, tree, path);
	if (rc == GIT_ENOTFOUND)
		return iov_error(job->ctx, IOV_E_NOT_FOUND, "there is no file '%s' in the commit", path);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot read '%s'", path);
	git_odb *odb = NULL;
	rc = git_repository_odb(&odb, git_tree_owner(tree));
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot read '%s'", path);
	const git_oid *id = git_tree_entry_id(entry);
	rc = check_size(job, odb, id, path, limit);
	if (!rc && (rc = git_odb_read(ret, odb, id)))
		rc = iov_git_error(job->ctx, rc, "cannot read '%s'", path);
	git_odb_free(odb);
	return rc;
}

int iov_job_git_read(struct iov_job *job)
{
	const char *path;
	uint64_t limit;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(iov_git_free_tree) git_tree *tree = NULL;
	git_odb_object *object = NULL;
	int rc = iov_job_string(job, "path", &path);
	rc = rc ? rc : iov_job_uint(job, "limit", &limit);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : open_repository_and_tree(job, &repo, &tree);
	rc = rc ? rc : load_file(job, tree, path, limit, &object);
	if (rc)
		return rc;
	rc = iov_job_send_data(job, git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	return rc;
}

/* ---- many files ------------------------------------------------------------------------------------------------- */

struct paths {
	char **items;
	size_t count;
};

static void paths_release(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
}

static int add_path(struct iov_job *job, struct paths *paths)
{
	const char *path;
	uint64_t size;
	if (!iov_frame_parse_file(&job->frame, &path, &size))
		return iov_error(job->ctx, IOV_E_INTERNAL, "the worker's input is broken");
	if (paths->count == PATHS_MAX)
		return iov_error(job->ctx, IOV_E_INPUT, "more than %d files asked for at once", PATHS_MAX);
	char **items = reallocarray(paths->items, paths->count + 1, sizeof(*items));
	if (!items)
		return iov_oom(job->ctx);
	paths->items = items;
	if (!(items[paths->count] = strdup(path)))
		return iov_oom(job->ctx);
	paths->count++;
	return IOV_OK;
}

static int receive_paths(struct iov_job *job, struct paths *paths)
{
	int rc;
	while (!(rc = iov_job_next(job)) && job->frame.type == IOV_FRAME_FILE)
		if ((rc = add_path(job, paths)))
			break;
	return rc;
}

static int answer_file(struct iov_job *job, git_tree *tree, const char *path, uint64_t limit)
{
	git_odb_object *object = NULL;
	int rc = load_file(job, tree, path, limit, &object);
	if (rc == IOV_E_NOT_FOUND)
		return iov_job_send_file(job, path, IOV_NO_FILE);
	if (rc)
		return rc;
	rc = iov_job_send_file(job, path, git_odb_object_size(object));
	rc = rc ? rc : iov_job_send_data(job, git_odb_object_data(object), git_odb_object_size(object));
	git_odb_object_free(object);
	return rc;
}

int iov_job_git_read_many(struct iov_job *job)
{
	uint64_t limit;
	iov_auto(paths_release) struct paths paths = {0};
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(iov_git_free_tree) git_tree *tree = NULL;
	int rc = iov_job_uint(job, "limit", &limit);
	rc = rc ? rc : receive_paths(job, &paths);
	rc = rc ? rc : open_repository_and_tree(job, &repo, &tree);
	for (size_t i = 0; i < paths.count && !rc; i++)
		rc = answer_file(job, tree, paths.items[i], limit);
	return rc;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* The tree of the folder `path`; "" is the top. */
static int open_folder(struct iov_job *job, git_repository *repo, git_tree **tree, const char *path)
{
	if (!*path)
		return IOV_OK;
	iov_auto(iov_git_free_entry) git_tree_entry *entry = NULL;
	int rc = git_tree_entry_bypath(&entry, *tree, path);
	if (rc == GIT_ENOTFOUND || (!rc && git_tree_entry_type(entry) != GIT_OBJECT_TREE))
		return iov_error(job->ctx, IOV_E_NOT_FOUND, "there is no folder '%s' in the commit", path);
	git_tree *folder = NULL;
	rc = rc ? rc : git_tree_lookup(&folder, repo, git_tree_entry_id(entry));
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot read folder '%s'", path);
	git_tree_free(*tree);
	*tree = folder;
	return IOV_OK;
}

/* git keeps a tree sorted as if folders ended in '/', which is the order that is wanted. */
int iov_job_git_list(struct iov_job *job)
{
	const char *path;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(iov_git_free_tree) git_tree *tree = NULL;
	iov_auto(iov_buf_release) struct iov_buf names = {0};
	int rc = iov_job_string(job, "path", &path);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : open_repository_and_tree(job, &repo, &tree);
	rc = rc ? rc : open_folder(job, repo, &tree, path);
	if (rc)
		return rc;
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		bool folder = git_tree_entry_type(entry) == GIT_OBJECT_TREE;
		iov_buf_printf(&names, "%s%s%s", i ? "\n" : "", git_tree_entry_name(entry), folder ? "/" : "");
	}
	return iov_buf_failed(&names) ? iov_oom(job->ctx) : iov_job_send_data(job, names.data, names.len);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_ref(struct iov_buf *lines, git_repository *repo, const char *name)
{
	git_oid id;
	char hex[GIT_OID_SHA1_HEXSIZE + 1];
	/* A ref that was deleted meanwhile, or that points nowhere, is not there. */
	if (git_reference_name_to_id(&id, repo, name))
		return;
	iov_buf_printf(lines, "%s%s %s", lines->len ? "\n" : "", name, git_oid_tostr(hex, sizeof(hex), &id));
}

int iov_job_git_refs(struct iov_job *job)
{
	const char *prefix;
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(iov_buf_release) struct iov_buf lines = {0};
	git_strarray names = {0};
	int rc = iov_job_string(job, "prefix", &prefix);
	rc = rc ? rc : iov_job_no_input(job);
	rc = rc ? rc : iov_git_open(job, &repo);
	if (rc)
		return rc;
	rc = git_reference_list(&names, repo);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot list the refs of '%s'", git_repository_path(repo));
	qsort(names.strings, names.count, sizeof(*names.strings), by_name);
	for (size_t i = 0; i < names.count; i++)
		if (!strncmp(names.strings[i], prefix, strlen(prefix)))
			add_ref(&lines, repo, names.strings[i]);
	git_strarray_dispose(&names);
	return iov_buf_failed(&lines) ? iov_oom(job->ctx) : iov_job_send_data(job, lines.data, lines.len);
}
