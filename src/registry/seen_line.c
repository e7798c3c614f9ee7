#include "registry/seen_line.h"

#include <string.h>

#include "core/digest.h"
#include "core/release.h"
#include "util/buf.h"
#include "util/cleanup.h"

enum member { RECORD, LOG, YANKED, YANK_LOG, DEPRECATE_LOG, MEMBERS };

static const char *version_of(const json_t *record)
{
	return json_string_value(json_object_get(json_object_get(record, "manifest"), "version"));
}

static int digest_of(struct iov_ctx *ctx, const json_t *record, char ret[IOV_HEX_SIZE])
{
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(record);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, "%s\n", canonical ? canonical : "");
	if (!canonical || iov_buf_failed(&text))
		return iov_oom(ctx);
	iov_sha256_hex(text.data, text.len, ret);
	return IOV_OK;
}

static json_int_t log_of(const json_t *object)
{
	return json_integer_value(json_object_get(object, "log"));
}

int iov_seen_read_line(struct iov_ctx *ctx, const char *name, const char *line, size_t len, json_t *releases)
{
	char sha256[IOV_HEX_SIZE];
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_json_parse(ctx, name, line, len, IOV_INDEX_LINE_MAX, &json);
	if (rc)
		return rc;
	const json_t *record = json_object_get(json, "release"), *yanked = json_object_get(json, "yanked");
	const char *version = version_of(record);
	if (!version)
		return IOV_OK;
	rc = digest_of(ctx, record, sha256);
	if (rc)
		return rc;
	json_t *array = json_pack("[s, I, b, I, I]", sha256, log_of(json), json_object_get(yanked, "reason") != NULL,
				  log_of(yanked), log_of(json_object_get(json, "deprecated")));
	return json_object_set_new(releases, version, array) ? iov_oom(ctx) : IOV_OK;
}

static uint64_t number(const json_t *array, enum member member)
{
	json_int_t value = json_integer_value(json_array_get(array, member));
	return value < 0 ? 0 : (uint64_t)value;
}

bool iov_seen_release_get(const json_t *array, struct iov_seen_release *ret)
{
	const char *record = json_string_value(json_array_get(array, RECORD));
	if (json_array_size(array) != MEMBERS || !record)
		return false;
	*ret = (struct iov_seen_release){
		.record = record,
		.log = number(array, LOG),
		.yanked = json_is_true(json_array_get(array, YANKED)),
		.yank_log = number(array, YANK_LOG),
		.deprecate_log = number(array, DEPRECATE_LOG),
	};
	return true;
}

const char *iov_seen_index(const json_t *module)
{
	const char *index = json_string_value(json_object_get(module, "index"));
	return index ? index : "";
}

uint64_t iov_seen_newest(const json_t *module)
{
	uint64_t newest = 0;
	const char *version;
	json_t *array;
	json_object_foreach(json_object_get(module, "releases"), version, array) {
		const uint64_t logs[] = {number(array, LOG), number(array, YANK_LOG), number(array, DEPRECATE_LOG)};
		for (size_t i = 0; i < IOV_COUNT(logs); i++)
			newest = logs[i] > newest ? logs[i] : newest;
	}
	return newest;
}
