/*
 * netrc, as ftp, curl and git's users know it: words, of which "machine NAME login NAME password WORD" count. A
 * "default" entry is passed over, since it would give its password to every host there is; "account" and "macdef" are
 * skipped.
 */
#ifndef IOV_CREDENTIALS_NETRC_H
#define IOV_CREDENTIALS_NETRC_H

#include "core/ctx.h"

#define IOV_NETRC_MAX (64u << 10) /* bytes of the file */

struct iov_netrc_login {
	char *username, *password; /* the password is a secret; both NULL: the file has none for the host */
};

/* The first entry for the host that has a login and a password. IOV_E_INPUT with `path` and line for what is no netrc.
 */
int iov_netrc_find(struct iov_ctx *ctx, const char *path, const char *text, size_t len, const char *host,
		   struct iov_netrc_login *ret);
void iov_netrc_login_release(struct iov_netrc_login *login);

#endif
