/* registry witness, cosigned. */
#include "ops/edit.h"
#include "ops/keys.h"
#include "registry/witness.h"
#include "util/cleanup.h"

int iov_registry_witness(struct iov_ctx *ctx, const char *registry, const char *key, const char *output,
			 char **ret_json)
{
	iov_auto(iov_signer_release) struct iov_signer witness = {0};
	json_t *answer = NULL;
	int rc = iov_keys_load(ctx, key, &witness);
	if (!rc)
		rc = iov_witness_sign(ctx, registry, &witness, output, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

int iov_registry_cosigned(struct iov_ctx *ctx, const char *path, const char *file, char **ret_json)
{
	json_t *answer = NULL;
	int rc = iov_witness_take_in(ctx, path, file, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}
