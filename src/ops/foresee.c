/* Before anything is signed: would the registry take the release? It looks itself, too; this way its publisher knows
 * sooner. */
#include <string.h>
#include <time.h>

#include "core/step.h"
#include "ops/publish.h"
#include "ops/registries.h"
#include "registry/admin.h"
#include "registry/clock.h"
#include "registry/publish.h"
#include "registry/submission.h"
#include "util/cleanup.h"

static void drop_release(struct iov_release **release)
{
	iov_release_free(*release);
}

/* The release as it would stand in the index. */
static int release_of(struct iov_ctx *ctx, json_t *record, struct iov_release **ret)
{
	char published[IOV_TIME_SIZE];
	iov_auto(iov_json_release) json_t *signatures = json_array();
	iov_time_text(time(NULL), published);
	iov_auto(iov_json_release) json_t *line = signatures ? iov_index_line(record, signatures, 0, published) : NULL;
	return line ? iov_release_from_json(ctx, line, ret) : iov_oom(ctx);
}

const char *iov_publish_name(const json_t *list, const char *url)
{
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)list, i, one) {
		if (!strcmp(json_string_value(json_object_get(one, "url")), url))
			return json_string_value(json_object_get(one, "name"));
	}
	return NULL;
}

static int read_releases(struct iov_ctx *ctx, struct iov_registries *registries, const char *registry,
			 const char *module, struct iov_release *const **ret, size_t *ret_count)
{
	int rc = ctx->config.offline ? IOV_OK : iov_registries_update(ctx, registries, registry);
	if (!rc)
		rc = iov_registries_choose(ctx, registries, module, registry);
	return rc ? rc : iov_registries_releases(ctx, registries, module, ret, ret_count);
}

/* What cannot be read now is no reason to refuse: the registry has the last word. */
static int ask_remote(struct iov_ctx *ctx, const char *url, const struct iov_release *release)
{
	struct iov_release *const *others = NULL;
	size_t count = 0;
	const char *module = release->manifest->name;
	iov_auto(iov_json_release) json_t *list = NULL;
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	int rc = iov_registry_describe_all(ctx, &list);
	const char *name = rc ? NULL : iov_publish_name(list, url);
	if (rc || !name)
		return rc;
	rc = iov_registries_open(ctx, &registries);
	if (!rc)
		rc = read_releases(ctx, registries, name, module, &others, &count);
	if (!rc)
		return iov_release_check_step(ctx, release, others, count);
	iov_warn(ctx, "'%s' cannot be compared with its published releases (%s); the registry's host does that", module,
		 iov_error_text(ctx));
	return IOV_OK;
}

int iov_publish_foresee(struct iov_ctx *ctx, const char *url, json_t *record)
{
	iov_auto(drop_release) struct iov_release *release = NULL;
	iov_auto(iov_free_ptr) char *target = NULL;
	bool local = false;
	int rc = release_of(ctx, record, &release);
	if (!rc)
		rc = iov_registry_locate(ctx, url, &local, &target);
	if (rc || !release)
		return rc;
	return local ? iov_registry_foresee(ctx, target, release) : ask_remote(ctx, url, release);
}
