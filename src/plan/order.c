#include "plan/order.h"

#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

enum visit { UNSEEN, ON_PATH, PLACED };

struct ordering {
	struct iov_ctx *ctx;
	const struct iov_generation *generation;
	enum visit *visits; /* by position */
	size_t *order;
	size_t n_order;
	size_t *path; /* the importers that led here, outermost first */
	size_t n_path;
};

static int refuse_cycle(const struct ordering *ordering, size_t again)
{
	iov_auto(iov_buf_release) struct iov_buf names = {0};
	const struct iov_instance *instances = ordering->generation->instances;
	size_t first = 0;
	while (ordering->path[first] != again)
		first++;
	for (size_t i = first; i < ordering->n_path; i++)
		iov_buf_printf(&names, "'%s' from ", instances[ordering->path[i]].name);
	return iov_error(ordering->ctx, IOV_E_CONFLICT,
			 "instances import maps in a circle: %s'%s'; none of them can be loaded first, so one must go",
			 iov_buf_failed(&names) ? "" : names.data, instances[again].name);
}

/* Imports nest as deep as there are instances that build on each other; names of providers that do not exist are the
 * contract check's business. */
static int place(struct ordering *ordering, size_t at)
{
	const struct iov_instance *instance = &ordering->generation->instances[at];
	const char *map;
	json_t *provider;
	int rc = IOV_OK;

	if (ordering->visits[at] == PLACED)
		return IOV_OK;
	if (ordering->visits[at] == ON_PATH)
		return refuse_cycle(ordering, at);
	ordering->visits[at] = ON_PATH;
	ordering->path[ordering->n_path++] = at;
	json_object_foreach(instance->imports, map, provider) {
		const char *name = json_string_value(provider);
		const struct iov_instance *from = name ? iov_generation_instance(ordering->generation, name) : NULL;
		if (from)
			rc = place(ordering, (size_t)(from - ordering->generation->instances));
		if (rc)
			return rc;
	}
	ordering->n_path--;
	ordering->visits[at] = PLACED;
	ordering->order[ordering->n_order++] = at;
	return IOV_OK;
}

int iov_plan_order(struct iov_ctx *ctx, const struct iov_generation *generation, size_t **ret)
{
	size_t count = generation->n_instances;
	iov_auto(iov_free_ptr) enum visit *visits = calloc(count + 1, sizeof(*visits));
	iov_auto(iov_free_ptr) size_t *order = calloc(count + 1, sizeof(*order));
	iov_auto(iov_free_ptr) size_t *path = calloc(count + 1, sizeof(*path));
	if (!visits || !order || !path)
		return iov_oom(ctx);
	struct ordering ordering = {
		.ctx = ctx, .generation = generation, .visits = visits, .order = order, .path = path};
	for (size_t i = 0; i < count; i++) {
		int rc = place(&ordering, i);
		if (rc)
			return rc;
	}
	*ret = iov_take(order);
	return IOV_OK;
}
