/*
 * An external helper that speaks git's credential protocol (git-credential(1), "INPUT/OUTPUT FORMAT"): it is started
 * with its arguments and one of the words get, store and erase, reads lines "key=value" and, for get, answers in the
 * same form. No shell, no terminal, an environment of PATH, LC_ALL and HOME, and limits on time and bytes.
 */
#ifndef IOV_CREDENTIALS_HELPER_H
#define IOV_CREDENTIALS_HELPER_H

#include "core/json.h"
#include "credentials/scope.h"

#define IOV_HELPER_MS 20000
#define IOV_HELPER_ANSWER_MAX (64u << 10) /* bytes */

struct iov_helper {
	const json_t *words; /* program and arguments */
	const struct iov_scope *scope;
	unsigned timeout_ms;
};

/* What a helper says: username and password, or the scheme and the credential of an Authorization header. */
struct iov_helper_answer {
	char *username, *password;
	char *scheme, *credential;
};

int iov_helper_get(struct iov_ctx *ctx, const struct iov_helper *helper, struct iov_helper_answer *ret);
/* `action` is "store" or "erase". That a helper does not do it is a warning: nothing here depends on it. */
void iov_helper_tell(struct iov_ctx *ctx, const struct iov_helper *helper, const char *action,
		     const struct iov_helper_answer *answer);
/* Takes apart what a helper said; `name` is for error texts. */
int iov_helper_parse(struct iov_ctx *ctx, const char *name, const struct iov_scope *scope, const char *text, size_t len,
		     struct iov_helper_answer *ret);
void iov_helper_answer_release(struct iov_helper_answer *answer);

#endif
