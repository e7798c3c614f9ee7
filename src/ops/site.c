/* registry serve --write. */
#include "ops/edit.h"
#include "registry/admin.h"
#include "registry/site.h"
#include "util/cleanup.h"

/* Both as absolute paths: what is written speaks of them. */
static int locate(struct iov_ctx *ctx, const char *path, char **ret)
{
	bool local;
	int rc = iov_registry_locate(ctx, path, &local, ret);
	if (rc || local)
		return rc;
	free(*ret);
	*ret = NULL;
	return iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; name a folder here", path);
}

int iov_registry_write(struct iov_ctx *ctx, const char *path, const char *folder, char **ret_json)
{
	iov_auto(iov_free_ptr) char *repo = NULL;
	iov_auto(iov_free_ptr) char *place = NULL;
	json_t *answer = NULL;
	int rc = locate(ctx, path, &repo);
	if (!rc)
		rc = locate(ctx, folder, &place);
	if (!rc)
		rc = iov_site_write(ctx, repo, place, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}
