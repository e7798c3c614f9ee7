/* Where a git URL leads: a folder on this host, or over which protocol to another. */
#ifndef IOV_WORKER_URL_H
#define IOV_WORKER_URL_H

#include "core/ctx.h"

enum iov_url_kind {
	IOV_URL_LOCAL, /* a path or file:// */
	IOV_URL_HTTP,  /* https, http: no credentials of the user */
	IOV_URL_GIT,   /* git://: the same */
	IOV_URL_SSH,   /* ssh:// or user@host:path: the user's key and known hosts */
};

struct iov_url {
	enum iov_url_kind kind;
	char *target; /* the folder's path, or the URL as it was; owned */
};

/* IOV_E_INPUT for a protocol that is not spoken here. */
int iov_url_parse(struct iov_ctx *ctx, const char *text, struct iov_url *ret);
void iov_url_release(struct iov_url *url);

#endif
