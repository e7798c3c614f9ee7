/* Secrets in memory and in files: wiped before they are given back, read only from files that nobody else can read. */
#ifndef IOV_CREDENTIALS_SECRET_H
#define IOV_CREDENTIALS_SECRET_H

#include "core/ctx.h"
#include "util/buf.h"

#define IOV_SECRET_MAX 4096 /* bytes; with the name of its user and in base64, a header line that servers take */

/* Wiped, then freed. NULL is fine. */
void iov_secret_free(char *secret);
static inline void iov_secret_release(char **secret)
{
	iov_secret_free(*secret);
}
void iov_secret_wipe(struct iov_buf *buf);

/* A regular file that nobody but its owner can read or write, asked of the open file, so that it is the one that is
 * read; `what` and `path` name it in errors. */
int iov_secret_check_private(struct iov_ctx *ctx, int fd, const char *what, const char *path);
/* The whole of a regular file that only its owner can read, asked of the open file; `what` names it in errors ("token
 * file"). IOV_E_NOT_FOUND when there is none. */
int iov_secret_read_file(struct iov_ctx *ctx, const char *what, const char *path, size_t limit, struct iov_buf *ret);
/* Its one line, which iov_secret_is_line() takes. */
int iov_secret_read_line(struct iov_ctx *ctx, const char *what, const char *path, char **ret);
/* Not empty, not too long, no control characters: it can stand in a line of a protocol. */
bool iov_secret_is_line(const char *text);

/* The value of an Authorization header; owned, a secret. NULL: no memory. A username has no ':'. */
char *iov_secret_basic(const char *username, const char *password);
char *iov_secret_bearer(const char *token);

#endif
