/* The jobs of iovpkg-worker-git-http. */
#include "worker/git_http.h"
#include "worker/sandbox.h"

iov_git_http_fn *const iov_git_http = iov_git_http_transport;

const struct iov_job_row iov_job_rows[] = {
	{"git-fetch", iov_job_git_fetch, IOV_SANDBOX_GIT},
	{"git-push", iov_job_git_push, IOV_SANDBOX_GIT},
	{NULL},
};
