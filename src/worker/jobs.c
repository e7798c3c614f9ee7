/* The jobs of iovpkg-worker. */
#include "worker/git_http.h"
#include "worker/sandbox.h"

iov_git_http_fn *const iov_git_http = NULL;

const struct iov_job_row iov_job_rows[] = {
	{"git-init", iov_job_git_init, IOV_SANDBOX_GIT},
	{"git-fetch", iov_job_git_fetch, IOV_SANDBOX_GIT},
	{"git-push", iov_job_git_push, IOV_SANDBOX_GIT},
	{"git-resolve", iov_job_git_resolve, IOV_SANDBOX_GIT},
	{"git-read", iov_job_git_read, IOV_SANDBOX_GIT},
	{"git-read-many", iov_job_git_read_many, IOV_SANDBOX_GIT},
	{"git-list", iov_job_git_list, IOV_SANDBOX_GIT},
	{"git-diff", iov_job_git_diff, IOV_SANDBOX_GIT},
	{"git-refs", iov_job_git_refs, IOV_SANDBOX_GIT},
	{"git-gather", iov_job_git_gather, IOV_SANDBOX_GIT},
	{"git-drop-packs", iov_job_git_drop_packs, IOV_SANDBOX_GIT},
	{"git-commit", iov_job_git_commit, IOV_SANDBOX_GIT},
	{"git-delete-ref", iov_job_git_delete_ref, IOV_SANDBOX_GIT},
	{"pack", iov_job_pack, IOV_SANDBOX_ARCHIVE},
	{"unpack", iov_job_unpack, IOV_SANDBOX_ARCHIVE},
	{NULL},
};
