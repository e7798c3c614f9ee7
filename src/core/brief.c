#include "core/brief.h"

#include "core/status.h"

bool iov_release_is_brief(const struct iov_release *release)
{
	return !release->json;
}

json_t *iov_brief_of(const struct iov_release *release)
{
	const struct iov_manifest *manifest = release->manifest;
	if (iov_release_is_brief(release))
		return json_incref(manifest->json);
	return json_pack("{s:O?, s:O?, s:I, s:s, s:s, s:s, s:s, s:O?}", "dependencies",
			 json_object_get(manifest->json, "dependencies"), "deprecated",
			 json_object_get(release->json, "deprecated"), "log", (json_int_t)release->log, "name",
			 manifest->name, "published", release->published, "sha256", release->sha256, "version",
			 manifest->version.text, "yanked", json_object_get(release->json, "yanked"));
}

static int read_brief(struct iov_ctx *ctx, json_t *json, struct iov_release *ret)
{
	int rc = iov_manifest_brief(ctx, json, &ret->manifest);
	if (!rc)
		rc = iov_json_get_uint(ctx, "brief", json, "log", &ret->log);
	if (!rc)
		rc = iov_json_get_string(ctx, "brief", json, "published", &ret->published);
	if (!rc)
		rc = iov_json_get_string(ctx, "brief", json, "sha256", &ret->sha256);
	return rc ? rc : iov_status_read(ctx, json, ret);
}

int iov_brief_from_json(struct iov_ctx *ctx, json_t *json, struct iov_release **ret)
{
	struct iov_release *release = calloc(1, sizeof(*release));
	if (!release)
		return iov_oom(ctx);
	release->references = 1;
	int rc = read_brief(ctx, json, release);
	if (rc) {
		iov_release_free(release);
		return rc;
	}
	*ret = release;
	return IOV_OK;
}
