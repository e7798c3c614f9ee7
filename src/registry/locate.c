#include "registry/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "credentials/scope.h"
#include "registry/sparse.h"
#include "util/cleanup.h"
#include "worker/url.h"

/* What is pinned must mean the same from every working directory. */
static int absolute(struct iov_ctx *ctx, const char *path, char **ret)
{
	iov_auto(iov_free_ptr) char *here = *path == '/' ? strdup("") : getcwd(NULL, 0);
	if (!here)
		return iov_error_errno(ctx, errno, "cannot tell the working directory");
	if (asprintf(ret, "%s%s%s", here, *here ? "/" : "", path) < 0)
		return iov_oom(ctx);
	for (size_t len = strlen(*ret); len > 1 && (*ret)[len - 1] == '/'; len--)
		(*ret)[len - 1] = '\0';
	return IOV_OK;
}

int iov_registry_locate(struct iov_ctx *ctx, const char *url, bool *ret_local, char **ret_target)
{
	iov_auto(iov_url_release) struct iov_url parsed = {.target = NULL};
	int rc = iov_scope_refuse_secret(ctx, url);
	if (!rc && iov_sparse_is(url)) {
		*ret_local = false;
		*ret_target = strdup(url);
		return *ret_target ? IOV_OK : iov_oom(ctx);
	}
	rc = rc ? rc : iov_url_parse(ctx, url, &parsed);
	if (rc)
		return rc;
	*ret_local = parsed.kind == IOV_URL_LOCAL;
	if (*ret_local)
		return absolute(ctx, parsed.target, ret_target);
	*ret_target = strdup(url);
	return *ret_target ? IOV_OK : iov_oom(ctx);
}
