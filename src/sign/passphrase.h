/* Passphrases, as the program asks a person or a file descriptor for them (iovpkg.h, config.passphrase). */
#ifndef IOV_SIGN_PASSPHRASE_H
#define IOV_SIGN_PASSPHRASE_H

#include "core/ctx.h"

struct iov_passphrase {
	char text[IOV_PASSPHRASE_MAX]; /* with its terminator; wiped by the release */
};

/* `fresh`: a new one is chosen. `attempt` counts from 0 the answers that were wrong. IOV_E_DECLINED: there is nobody to
 * ask, or no answer. */
int iov_passphrase_ask(struct iov_ctx *ctx, const char *key, bool fresh, unsigned attempt, struct iov_passphrase *ret);
void iov_passphrase_release(struct iov_passphrase *passphrase);

#endif
