#include "ops/registries.h"

int iov_registries_open_updated(struct iov_ctx *ctx, struct iov_registries **ret)
{
	struct iov_registries *registries = NULL;
	int rc = iov_registries_open(ctx, &registries);
	if (!rc && !ctx->config.offline)
		rc = iov_registries_update(ctx, registries, NULL);
	if (rc) {
		iov_registries_free(registries);
		return rc;
	}
	*ret = registries;
	return IOV_OK;
}

int iov_registries_open_fresh(struct iov_ctx *ctx, struct iov_registries **ret)
{
	struct iov_registries *registries = NULL;
	int rc = iov_registries_open(ctx, &registries);
	if (!rc && !ctx->config.offline && iov_registries_update(ctx, registries, NULL)) {
		if (iov_error_code(ctx) == IOV_E_NETWORK)
			iov_warn(ctx, "%s; answering from what was seen before", iov_error_text(ctx));
		else
			rc = iov_error_code(ctx);
	}
	if (rc) {
		iov_registries_free(registries);
		return rc;
	}
	*ret = registries;
	return IOV_OK;
}

int iov_registries_need_one(struct iov_ctx *ctx, const struct iov_registries *registries, const char *name)
{
	if (iov_registries_count(registries))
		return IOV_OK;
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "no registry is configured to find '%s' in; add one with 'iovpkg registry add NAME URL'",
			 name);
}

void iov_registries_close(struct iov_registries **registries)
{
	iov_registries_free(*registries);
}
