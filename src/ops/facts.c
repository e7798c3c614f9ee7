/* facts: what this host's kernel takes. */
#include "check/kernel.h"
#include "ops/edit.h"

int iov_facts(struct iov_ctx *ctx, char **ret_json)
{
	json_t *facts = NULL;
	int rc = iov_kernel_facts(ctx, &facts);
	return rc ? rc : iov_answer(ctx, facts, ret_json);
}
