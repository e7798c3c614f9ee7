/*
 * Inside the worker program: a job, what it may do, and how it talks. A job is a row of the program's table (jobs.c,
 * jobs_http.c); it runs after the sandbox is closed, takes its input with iov_job_next(), answers with the send
 * functions, and returns a code whose text is in job->ctx. main.c sends the END or ERROR.
 */
#ifndef IOV_WORKER_JOB_H
#define IOV_WORKER_JOB_H

#include "core/json.h"
#include "worker/protocol.h"

struct iov_job {
	struct iov_ctx *ctx; /* holds the error; its root and callbacks are empty */
	json_t *request;
	int sock;
	const char *home;	/* its .ssh holds the keys and known hosts, where the job is to speak ssh */
	const char *ssh_key;	/* the one that is named for this place; NULL: those in .ssh */
	const char *ca;		/* the file of certificates that https trusts besides the system's */
	bool has_ca;		/* it is there */
	struct iov_frame frame; /* the input frame taken last */
	char answer[64];	/* what END carries */
};

/* A member of the request; absent ones are an error. Borrowed. */
int iov_job_string(struct iov_job *job, const char *key, const char **ret);
int iov_job_uint(struct iov_job *job, const char *key, uint64_t *ret);

/* The next FILE, DATA or END frame of the input. */
int iov_job_next(struct iov_job *job);
/* Reads the input of a job that has none. */
int iov_job_no_input(struct iov_job *job);
int iov_job_send_file(struct iov_job *job, const char *path, uint64_t size);
int iov_job_send_data(struct iov_job *job, const void *data, size_t len);

/* What a server said once it was shown the credential of the request. 0, or the error is set. */
int iov_job_send_credential(struct iov_job *job, bool accepted);

int iov_job_git_init(struct iov_job *job);
int iov_job_git_fetch(struct iov_job *job);
int iov_job_git_push(struct iov_job *job);
int iov_job_git_resolve(struct iov_job *job);
int iov_job_git_read(struct iov_job *job);
int iov_job_git_read_many(struct iov_job *job);
int iov_job_git_list(struct iov_job *job);
int iov_job_git_diff(struct iov_job *job);
int iov_job_git_refs(struct iov_job *job);
int iov_job_git_commit(struct iov_job *job);
int iov_job_git_gather(struct iov_job *job);
int iov_job_git_drop_packs(struct iov_job *job);
int iov_job_git_delete_ref(struct iov_job *job);
int iov_job_pack(struct iov_job *job);
int iov_job_unpack(struct iov_job *job);
int iov_job_http(struct iov_job *job);

#endif
