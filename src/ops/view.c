#include "ops/view.h"

#include "plan/make.h"
#include "state/generations.h"

int iov_view_open(struct iov_ctx *ctx, struct iov_view *ret)
{
	*ret = (struct iov_view){.ctx = ctx, .empty = calloc(1, sizeof(*ret->empty))};
	if (!ret->empty)
		return iov_oom(ctx);
	int rc = iov_generation_current(ctx, &ret->current);
	return rc ? rc : iov_plan_make(ctx, ret->empty, ret->current, &ret->plan);
}

void iov_view_release(struct iov_view *view)
{
	iov_plan_free(view->plan);
	iov_generation_free(view->current);
	iov_generation_free(view->empty);
}

char *iov_view_dir(const struct iov_view *view, const char *instance)
{
	return iov_path(view->ctx, IOV_PINS "/live/%s", instance);
}
