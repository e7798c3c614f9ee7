/*
 * Credentials for registries: who is let in where, and what is offered to whom. docs/credentials.md has the sources and
 * their order.
 *
 * A credential belongs to one place (credentials/scope.h): scheme, host, port and a path below which it counts. It is
 * found here, in the main process, and goes to the worker in the request of one job, for one URL; the worker offers it
 * to that URL alone, once it is asked, and never after a redirect. A server that refuses it is not shown it again for
 * as long as the context lives.
 */
#ifndef IOV_CREDENTIALS_CREDENTIALS_H
#define IOV_CREDENTIALS_CREDENTIALS_H

#include "core/json.h"

struct iov_credential {
	const char *source;	   /* where it comes from, in words, for errors; never the secret */
	const char *authorization; /* https: the value of an Authorization header. A secret */
	const char *ssh_key;	   /* ssh: the path of a private key without a passphrase */
};

/*
 * The credential for a URL, borrowed from the context; *ret is NULL where there is none, which is so for paths,
 * file://, git:// and http:// too. IOV_E_INPUT: it cannot be had, or not safely; IOV_E_NETWORK: the server has refused
 * it before. What was found for a URL counts for what is below it too, as long as no longer entry does.
 */
int iov_credential_find(struct iov_ctx *ctx, const char *url, const struct iov_credential **ret);

/* What the server said, once it was shown the credential. A helper is told, so that it can keep it or forget it.
 * Refused: sets the error and returns its code, IOV_E_NETWORK. */
void iov_credential_accepted(struct iov_ctx *ctx, const char *url);
int iov_credential_refused(struct iov_ctx *ctx, const char *url);

/* A server that was shown a credential may say it back, in a redirect or an error: where the error that stands holds
 * it, the server's words are left out. Returns the error's code. `credential` may be NULL. */
int iov_credential_veil(struct iov_ctx *ctx, const char *url, const struct iov_credential *credential);

/* Where a URL's credential would come from, without a look at it: {"from", "kind", "url"} or JSON's null. A new
 * reference. */
int iov_credential_describe(struct iov_ctx *ctx, const char *url, json_t **ret);

#endif
