/* registry accept: by hand, by a timer or CI, and as git's hook. */
#include <stdlib.h>
#include <string.h>

#include "ops/edit.h"
#include "ops/keys.h"
#include "registry/publish.h"
#include "util/cleanup.h"

int iov_registry_accept(struct iov_ctx *ctx, const char *path, const char *key, unsigned flags, char **ret_json)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	json_t *answer = NULL;
	int rc = iov_keys_registry(ctx, path, key, &signer);
	if (!rc)
		rc = iov_registry_take_all(ctx, path, &signer, flags & IOV_VERDICTS, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

int iov_registry_receive(struct iov_ctx *ctx, const char *path, const char *key, int in, int out)
{
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_free_ptr) char *trouble = NULL;
	if (iov_keys_registry(ctx, path, key, &signer) && !(trouble = strdup(iov_error_text(ctx))))
		return iov_oom(ctx);
	return iov_registry_answer_push(ctx, path, &signer, trouble, in, out);
}
