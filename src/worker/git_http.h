/*
 * Git's smart protocol over HTTP, by libcurl in the place of libgit2's own transport: which follows redirects within
 * a host, to any port of it and with the credential along, and knows no bearer tokens. Here every redirect is an error
 * that names where it leads, and a credential is shown to the one URL of the job, once that asks for it.
 *
 * libgit2 speaks version 0 of the protocol, in which a server tells of all its refs first. Where one ref is wanted, the
 * server is asked for it in version 2, and libgit2 gets the answer as if the server had no other; a server that answers
 * in version 0 is listened to. The pack is asked for in version 0, over HTTP a conversation of its own.
 *
 * libcurl brings twenty libraries along, so that only the program iovpkg-worker-git-http has this; the worker that
 * reads repositories on this host is started a hundred times for each fetch.
 */
#ifndef IOV_WORKER_GIT_HTTP_H
#define IOV_WORKER_GIT_HTTP_H

#include "worker/git.h"

struct iov_git_http {
	struct iov_job *job;
	const char *url;	   /* of the repository; borrowed, as are the next two */
	const char *ref;	   /* the only one that is wanted; NULL: the server tells of all it has */
	const char *authorization; /* value of the header to offer; NULL: there is none */
	bool offered, accepted;
	bool failed; /* the error is in the job's context */
};

/* A transport for `remote`, which owns it; `http` must outlive it. */
typedef int iov_git_http_fn(struct iov_git_http *http, git_remote *remote, git_transport **ret);
iov_git_http_fn iov_git_http_transport;

/* What this program has for it; NULL in iovpkg-worker. */
extern iov_git_http_fn *const iov_git_http;

#endif
