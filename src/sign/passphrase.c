#include "sign/passphrase.h"

#include <sodium.h>
#include <string.h>

static int unanswered(struct iov_ctx *ctx, const char *key, bool fresh)
{
	return iov_error(ctx, IOV_E_DECLINED,
			 fresh ? "key '%s' was given no passphrase: there is no terminal to ask at; pass one with "
				 "--passphrase-fd, or make a key without one with --plain"
			       : "key '%s' is encrypted and there is no terminal to ask for its passphrase at; pass it "
				 "with --passphrase-fd",
			 key);
}

int iov_passphrase_ask(struct iov_ctx *ctx, const char *key, bool fresh, unsigned attempt, struct iov_passphrase *ret)
{
	struct iov_config *config = &ctx->config;
	ret->text[0] = '\0';
	if (!config->passphrase || !config->passphrase(key, fresh, attempt, ret->text, config->data)) {
		iov_passphrase_release(ret);
		return unanswered(ctx, key, fresh);
	}
	ret->text[sizeof(ret->text) - 1] = '\0';
	if (fresh && !*ret->text)
		return iov_error(
			ctx, IOV_E_USAGE,
			"the passphrase for key '%s' is empty; give one, or make a key without one with --plain", key);
	return IOV_OK;
}

void iov_passphrase_release(struct iov_passphrase *passphrase)
{
	sodium_memzero(passphrase->text, sizeof(passphrase->text));
}
