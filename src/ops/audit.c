/* registry audit, compare: is the story that a registry tells one story? */
#include "ops/edit.h"
#include "registry/audit.h"
#include "registry/compare.h"

int iov_registry_audit(struct iov_ctx *ctx, const char *registry, char **ret_json)
{
	json_t *answer = NULL;
	int rc = iov_registry_audit_at(ctx, registry, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}

int iov_registry_compare(struct iov_ctx *ctx, const char *registry, const char *other, char **ret_json)
{
	json_t *answer = NULL;
	int rc = iov_registry_compare_with(ctx, registry, other, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}
