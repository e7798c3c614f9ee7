/*
 * A place that a secret may be sent to: scheme, host, port, and a path below which everything belongs to it. Only
 * https and ssh have places; a path, file://, git:// and http:// are never sent a secret.
 *
 * "sparse+https://" is https; "user@host:path" is ssh. Paths are compared decoded, and one with "." or ".." in it is
 * refused, so that no spelling leads out of the place.
 */
#ifndef IOV_CREDENTIALS_SCOPE_H
#define IOV_CREDENTIALS_SCOPE_H

#include "core/ctx.h"

struct iov_scope {
	const char *scheme; /* "https" or "ssh"; NULL: no secret goes there. Static */
	char *host;	    /* lower case; an IPv6 address with its brackets */
	unsigned port;
	bool other_port; /* than the scheme's own */
	char *user;	 /* of ssh; NULL: any */
	char *path;	 /* decoded, without slashes at either end; "" is the whole host */
};

/* IOV_E_INPUT: a URL of https or ssh that cannot be taken apart beyond doubt. The text does not quote a password. */
int iov_scope_parse(struct iov_ctx *ctx, const char *url, struct iov_scope *ret);
void iov_scope_release(struct iov_scope *scope);

/* Is `scope` within `area`? */
bool iov_scope_covers(const struct iov_scope *area, const struct iov_scope *scope);

/* IOV_E_USAGE for a URL with a password or token in it, which would be in files, logs and process lists from then on.
 */
int iov_scope_refuse_secret(struct iov_ctx *ctx, const char *url);

#endif
