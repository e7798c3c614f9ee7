/* Where a clone ends that was fetched one commit deep. */
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/git.h"

struct ends {
	git_repository *repo;
	struct iov_buf path, lines; /* of the file "shallow" */
};

static void ends_release(struct ends *ends)
{
	iov_buf_release(&ends->path);
	iov_buf_release(&ends->lines);
}

static int add_end(const char *branch, void *payload)
{
	struct ends *ends = payload;
	git_oid id;
	char hex[GIT_OID_SHA1_HEXSIZE + 1];
	/* A branch that was deleted meanwhile is not there. */
	if (git_reference_name_to_id(&id, ends->repo, branch) == 0)
		iov_buf_printf(&ends->lines, "%s\n", git_oid_tostr(hex, sizeof(hex), &id));
	return 0;
}

int iov_git_mark_ends(struct iov_job *job, git_repository *repo)
{
	iov_auto(ends_release) struct ends ends = {.repo = repo};
	int rc = git_reference_foreach_glob(repo, "refs/heads/*", add_end, &ends);
	if (rc)
		return iov_git_error(job->ctx, rc, "cannot list the branches of '%s'", git_repository_path(repo));
	iov_buf_printf(&ends.path, "%sshallow", git_repository_path(repo));
	if (iov_buf_failed(&ends.lines) || iov_buf_failed(&ends.path))
		return iov_oom(job->ctx);
	if (!ends.lines.len)
		return IOV_OK;
	int err = iov_fs_replace(ends.path.data, ends.lines.data, ends.lines.len, 0644);
	return err ? iov_error_errno(job->ctx, err, "cannot write '%s'", ends.path.data) : IOV_OK;
}
