/* The job of iovpkg-worker-http. */
#include "worker/sandbox.h"

const struct iov_job_row iov_job_rows[] = {
	{"http", iov_job_http, IOV_SANDBOX_HTTP},
	{NULL},
};
