/*
 * What a job may do, closed before its first byte from outside is looked at. docs/worker.md has the table of jobs and
 * rights, and why.
 */
#ifndef IOV_WORKER_SANDBOX_H
#define IOV_WORKER_SANDBOX_H

#include "worker/job.h"
#include "worker/url.h"

enum iov_sandbox_kind {
	IOV_SANDBOX_ARCHIVE, /* the two descriptors that it holds, and memory */
	IOV_SANDBOX_GIT,     /* the repository of the request ("repo"), and what its "url" needs, if it has one */
	IOV_SANDBOX_HTTP,    /* the network, and what names and certificates need */
};

/* A job that a program can do. Each program has one table, which ends with a row without a name. */
struct iov_job_row {
	const char *name;
	int (*run)(struct iov_job *job);
	enum iov_sandbox_kind kind;
};
extern const struct iov_job_row iov_job_rows[];

/* Takes every right away that the job does not need. What the kernel lacks is left out; what it has must work. */
int iov_sandbox_enter(struct iov_job *job, enum iov_sandbox_kind kind);

/* ---- the parts, each one file ---------------------------------------------------------------------------------------
 */

struct iov_rights {
	enum iov_sandbox_kind kind;
	const char *repo; /* of git jobs; NULL for others */
	bool has_url;
	struct iov_url url;
	bool network; /* it speaks to other hosts */
};

/* The user id to run with, and no capabilities beyond file access where it stays root. Needs root; otherwise it only
 * drops. */
int iov_sandbox_identity(struct iov_ctx *ctx, const struct iov_rights *rights);
/* Which files can be opened at all. */
int iov_sandbox_landlock(const struct iov_job *job, const struct iov_rights *rights);
/* Which system calls there are. */
int iov_sandbox_seccomp(struct iov_ctx *ctx, const struct iov_rights *rights);

#endif
