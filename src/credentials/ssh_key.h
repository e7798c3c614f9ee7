/* Private keys for ssh, as far as this side looks at them: is the file safe, and does the key need a passphrase? */
#ifndef IOV_CREDENTIALS_SSH_KEY_H
#define IOV_CREDENTIALS_SSH_KEY_H

#include "core/ctx.h"

/* IOV_E_INPUT: others can read the file, it holds no key, or the key has a passphrase. */
int iov_ssh_key_check(struct iov_ctx *ctx, const char *path);

#endif
