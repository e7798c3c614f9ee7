/* Any bytes as a key file's line: refused with a text, or a key whose text is those bytes again. */
#include <stdlib.h>
#include <string.h>

#include "sign/keybox.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct iov_ctx *ctx, int rc, const char *text, char *again)
{
	if (rc ? !*iov_error_text(ctx) : !again || strcmp(text, again) != 0)
		abort();
	free(again);
}

static void try_box(struct iov_ctx *ctx, const char *text)
{
	struct iov_keybox box;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	int rc = iov_keybox_parse(ctx, text, &box);
	check(ctx, rc, text, rc ? NULL : iov_keybox_text(&box));
	if (!rc && box.memory <= 64 && box.passes <= 2 && iov_keybox_open(ctx, &box, "correct horse", &signer))
		check(ctx, IOV_E_PERMISSION, text, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	struct iov_verifier verifier;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_free_ptr) char *text = strndup((const char *)data, size);
	if (!text || iov_ctx_new(NULL, &ctx))
		abort();
	int rc = iov_verifier_parse(ctx, text, &verifier);
	check(ctx, rc, text, rc ? NULL : iov_verifier_text(&verifier));
	rc = iov_signer_parse(ctx, text, &signer);
	check(ctx, rc, text, rc ? NULL : iov_signer_text(&signer));
	try_box(ctx, text);
	iov_ctx_free(ctx);
	return 0;
}
