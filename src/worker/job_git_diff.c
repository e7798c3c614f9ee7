/* Which files differ between two commits. */
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "worker/git.h"

static int open_tree(struct iov_job *job, git_repository *repo, const char *key, git_tree **ret)
{
	const char *text = NULL;
	git_oid id;
	iov_auto(iov_git_free_commit) git_commit *commit = NULL;
	int rc = iov_json_opt_string(job->ctx, "worker request", job->request, key, &text);
	if (rc || !text)
		return rc;
	if (git_oid_fromstr(&id, text))
		return iov_error(job->ctx, IOV_E_INPUT, "'%s' is not a commit id", text);
	rc = git_commit_lookup(&commit, repo, &id);
	if (rc == GIT_ENOTFOUND)
		return iov_error(job->ctx, IOV_E_NOT_FOUND, "'%s' has no commit %s", git_repository_path(repo), text);
	rc = rc ? rc : git_commit_tree(ret, commit);
	return rc ? iov_git_error(job->ctx, rc, "cannot read commit %s", text) : IOV_OK;
}

static void add_lines(struct iov_buf *lines, const git_diff *diff)
{
	for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git_diff_get_delta(diff, i);
		bool gone = delta->status == GIT_DELTA_DELETED;
		iov_buf_printf(lines, "%s%s%s", lines->len ? "\n" : "", gone ? "-" : "+",
			       gone ? delta->old_file.path : delta->new_file.path);
	}
}

int iov_job_git_diff(struct iov_job *job)
{
	iov_auto(iov_git_free_repository) git_repository *repo = NULL;
	iov_auto(iov_git_free_tree) git_tree *from = NULL;
	iov_auto(iov_git_free_tree) git_tree *to = NULL;
	iov_auto(iov_buf_release) struct iov_buf lines = {0};
	git_diff *diff = NULL;
	int rc = iov_job_no_input(job);
	rc = rc ? rc : iov_git_open(job, &repo);
	rc = rc ? rc : open_tree(job, repo, "from", &from);
	rc = rc ? rc : open_tree(job, repo, "commit", &to);
	if (rc)
		return rc;
	rc = git_diff_tree_to_tree(&diff, repo, from, to, NULL);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot compare two commits");
	add_lines(&lines, diff);
	git_diff_free(diff);
	return iov_buf_failed(&lines) ? iov_oom(job->ctx) : iov_job_send_data(job, lines.data, lines.len);
}
