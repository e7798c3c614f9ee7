#include "modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"

json_t *unit_json(const char *text)
{
	iov_auto(iov_free_ptr) char *quoted = strdup(text);
	ck_assert_ptr_nonnull(quoted);
	for (char *at = quoted; (at = strchr(at, '\''));)
		*at = '"';
	json_error_t error;
	json_t *json = json_loads(quoted, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json != NULL, "%s in %s", error.text, quoted);
	return json;
}

/* Digests need not be of real bytes here, only one for each release. */
static json_t *index_line(json_t *manifest, json_t *object)
{
	iov_auto(iov_free_ptr) char *seed = iov_json_canonical(manifest);
	iov_auto(iov_free_ptr) char *path = iov_object_path_for(json_string_value(json_object_get(manifest, "name")));
	char sha256[IOV_HEX_SIZE];
	ck_assert(seed && path);
	iov_sha256_hex(seed, strlen(seed), sha256);
	json_t *line = json_pack("{s:i,s:s,s:[],s:n,s:{s:i,s:o,s:o,s:{s:s,s:i,s:i,s:[{s:s,s:s,s:i},{s:s,s:s,s:i}]}}}",
				 "log", 1, "published", "2026-11-23T10:00:00Z", "signatures", "yanked", "release",
				 "schema", 1, "manifest", manifest, "object", object, "archive", "sha256", sha256,
				 "size", 20, "unpacked", 20, "files", "path", "iov.yaml", "sha256", sha256, "size", 10,
				 "path", path, "sha256", sha256, "size", 10);
	ck_assert_ptr_nonnull(line);
	return line;
}

static void store(struct iov_ctx *ctx, const struct iov_release *release)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/store/%s/release.json", release->sha256);
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(release->json);
	ck_assert(path && text);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
}

struct iov_release *unit_release(struct iov_ctx *ctx, const char *manifest, const char *object)
{
	iov_auto(iov_json_release) json_t *line = index_line(unit_json(manifest), unit_json(object));
	struct iov_release *release = NULL;
	unit_ok(ctx, iov_release_from_json(ctx, line, &release));
	store(ctx, release);
	return release;
}

char *unit_object_path(struct iov_ctx *ctx, const struct iov_release *release)
{
	char *path = iov_path(ctx, IOV_STATE "/store/%s/%s", release->sha256, iov_release_object_path(release));
	ck_assert_ptr_nonnull(path);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	return path;
}

void unit_put_release(struct iov_ctx *ctx, struct iov_generation *generation, struct iov_release *release)
{
	unit_ok(ctx, iov_generation_put_release(ctx, generation, release, "", "*"));
}

void unit_put_instance(struct iov_ctx *ctx, struct iov_generation *generation, const char *name, const char *module,
		       const char *params, const char *imports)
{
	iov_auto(iov_json_release) json_t *params_json = unit_json(params);
	iov_auto(iov_json_release) json_t *imports_json = unit_json(imports);
	const struct iov_instance instance = {.name = (char *)name,
					      .module = (char *)module,
					      .params = params_json,
					      .imports = imports_json,
					      .wished = true};
	unit_ok(ctx, iov_generation_put_instance(ctx, generation, &instance));
}
