#include "registry/event.h"

#include <string.h>

#include "util/cleanup.h"

static int record_digest(struct iov_ctx *ctx, const struct iov_release *release, char ret[IOV_HEX_SIZE])
{
	iov_auto(iov_free_ptr) char *text = iov_release_signed_text(release);
	if (!text)
		return iov_oom(ctx);
	iov_sha256_hex(text, strlen(text), ret);
	return IOV_OK;
}

int iov_event_publish(struct iov_ctx *ctx, const struct iov_release *release, const char *manifest, char **ret_leaf)
{
	char record[IOV_HEX_SIZE];
	int rc = record_digest(ctx, release, record);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *json =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "archive", release->sha256, "kind", "publish",
			  "manifest", manifest, "name", release->manifest->name, "record", record, "time",
			  release->published, "version", release->manifest->version.text);
	*ret_leaf = json ? iov_json_canonical(json) : NULL;
	return *ret_leaf ? IOV_OK : iov_oom(ctx);
}

int iov_event_check(struct iov_ctx *ctx, const char *registry, const char *leaf, size_t len,
		    const struct iov_release *release)
{
	char record[IOV_HEX_SIZE];
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = record_digest(ctx, release, record);
	if (!rc)
		rc = iov_json_parse(ctx, "log entry", leaf, len, UINT16_MAX, &json);
	if (rc)
		return rc;
	const struct {
		const char *key, *value;
	} expected[] = {
		{"kind", "publish"},
		{"name", release->manifest->name},
		{"version", release->manifest->version.text},
		{"archive", release->sha256},
		{"record", record},
	};
	for (size_t i = 0; i < IOV_COUNT(expected); i++) {
		const char *value = json_string_value(json_object_get(json, expected[i].key));
		if (!value || strcmp(value, expected[i].value) != 0)
			return iov_error(ctx, IOV_E_UNTRUSTED,
					 "entry %llu in the log of registry '%s' is not the publish of '%s' %s: '%s' "
					 "differs (a replaced release)",
					 (unsigned long long)release->log, registry, release->manifest->name,
					 release->manifest->version.text, expected[i].key);
	}
	return IOV_OK;
}
