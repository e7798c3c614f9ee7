/* Before anything is submitted: would the registry take the release? It looks itself, too; this way its publisher knows
 * sooner. */
#include <string.h>
#include <time.h>

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

static int ask(struct iov_ctx *ctx, const char *registry, const struct iov_release *release, bool *ret_known)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	int rc = iov_registries_open(ctx, &registries);
	if (!rc && !ctx->config.offline)
		rc = iov_registries_update(ctx, registries, registry);
	return rc ? rc : iov_registries_foresee(ctx, registries, registry, release, ret_known);
}

/* What cannot be reached now is no reason to refuse: the registry has the last word. */
static int ask_remote(struct iov_ctx *ctx, const char *url, const struct iov_release *release, bool *ret_known)
{
	iov_auto(iov_json_release) json_t *list = NULL;
	int rc = iov_registry_describe_all(ctx, &list);
	const char *registry = rc ? NULL : iov_publish_name(list, url);
	if (rc)
		return rc;
	if (!registry) {
		iov_note(ctx,
			 "'%s' is no registry that is read here, so its releases are not known; 'iovpkg registry add' "
			 "lets this see ahead what it refuses",
			 url);
		return IOV_OK;
	}
	rc = ask(ctx, registry, release, ret_known);
	if (rc != IOV_E_NETWORK)
		return rc;
	iov_warn(ctx, "'%s' cannot be compared with its published releases (%s); the registry does that",
		 release->manifest->name, iov_error_text(ctx));
	return IOV_OK;
}

int iov_publish_foresee(struct iov_ctx *ctx, const char *url, const struct iov_buf *note, bool *ret_known)
{
	char published[IOV_TIME_SIZE];
	iov_auto(drop_release) struct iov_release *release = NULL;
	iov_auto(iov_free_ptr) char *target = NULL;
	bool local = false;
	*ret_known = false;
	iov_time_text(time(NULL), published);
	int rc = iov_submission_record(ctx, note, published, &release);
	if (!rc)
		rc = iov_registry_locate(ctx, url, &local, &target);
	if (rc)
		return rc;
	return local ? iov_registry_foresee(ctx, target, release, ret_known) : ask_remote(ctx, url, release, ret_known);
}
