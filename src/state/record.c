#include "state/record.h"
#include "state/record_proof.h"

#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "util/cleanup.h"

#define SCHEMA 1

/* ---- writing ---- */

static json_t *release_json(const struct iov_installed *one, json_t *notes)
{
	const struct iov_release *release = one->release;
	json_t *json =
		json_pack("{s:s, s:s, s:s?, s:s, s:s, s:b, s:s?}", "name", release->manifest->name, "version",
			  release->manifest->version.text, "registry", release->registry, "sha256", release->sha256,
			  "object", one->object, "wished", one->wished, "requirement", one->requirement);
	int failed = !json;
	if (!failed && one->pinned)
		failed = json_object_set_new(json, "pinned", json_true());
	if (!failed && one->proof)
		failed = json_object_set_new(json, "proof", iov_record_fold_proof(one->proof, notes));
	if (!failed)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *instance_json(const struct iov_instance *one)
{
	json_t *json = json_pack("{s:s, s:s, s:O, s:O, s:b}", "name", one->name, "module", one->module, "params",
				 one->params, "imports", one->imports, "wished", one->wished);
	int failed = !json;
	if (!failed && one->group)
		failed = json_object_set_new(json, "group", json_integer(one->group)) ||
			 json_object_set(json, "passed_over", one->passed_over);
	if (!failed && one->renewed)
		failed = json_object_set_new(json, "renewed", json_integer((json_int_t)one->renewed));
	if (!failed)
		return json;
	json_decref(json);
	return NULL;
}

json_t *iov_record_lock(const struct iov_generation *generation)
{
	iov_auto(iov_json_release) json_t *releases = json_array();
	iov_auto(iov_json_release) json_t *notes = json_object();
	for (size_t i = 0; i < generation->n_installed; i++)
		if (json_array_append_new(releases, release_json(&generation->installed[i], notes)))
			return NULL;
	return json_pack("{s:i, s:I, s:O*, s:O}", "schema", SCHEMA, "generation", (json_int_t)generation->number,
			 "notes", json_object_size(notes) ? notes : NULL, "releases", releases);
}

json_t *iov_record_instances(const struct iov_generation *generation)
{
	iov_auto(iov_json_release) json_t *instances = json_array();
	for (size_t i = 0; i < generation->n_instances; i++)
		if (json_array_append_new(instances, instance_json(&generation->instances[i])))
			return NULL;
	return json_pack("{s:i, s:O}", "schema", SCHEMA, "instances", instances);
}

/* ---- reading ---- */

static int check_schema(struct iov_ctx *ctx, const char *what, const json_t *json)
{
	uint64_t schema = 0;
	int rc = iov_json_get_uint(ctx, what, json, "schema", &schema);
	if (!rc && schema != SCHEMA)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "'%s' has schema %llu, this iovpkg reads %d; use a newer iovpkg", what,
				 (unsigned long long)schema, SCHEMA);
	return rc;
}

static int read_row(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_record_row *ret)
{
	*ret = (struct iov_record_row){0};
	int rc = iov_json_get_string(ctx, what, json, "name", &ret->name);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "version", &ret->version);
	if (!rc)
		rc = iov_json_opt_string(ctx, what, json, "registry", &ret->registry);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "sha256", &ret->sha256);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "object", &ret->object);
	if (!rc)
		rc = iov_json_get_bool(ctx, what, json, "wished", &ret->wished);
	if (!rc)
		rc = iov_json_opt_string(ctx, what, json, "requirement", &ret->requirement);
	if (!rc)
		rc = iov_json_opt_bool(ctx, what, json, "pinned", &ret->pinned);
	if (rc)
		return rc;
	if (!iov_is_sha256_hex(ret->sha256) || (*ret->object && !iov_is_sha256_hex(ret->object)))
		return iov_error(ctx, IOV_E_INPUT, "'%s': module '%s' has no sound SHA-256", what, ret->name);
	if (ret->wished != (ret->requirement != NULL))
		return iov_error(ctx, IOV_E_INPUT,
				 "'%s': module '%s' must have a requirement when it is wished, and only then", what,
				 ret->name);
	return IOV_OK;
}

static void free_release(struct iov_release **release)
{
	iov_release_free(*release);
}

static int read_release(struct iov_ctx *ctx, const char *what, const json_t *json, const json_t *notes,
			struct iov_generation *generation)
{
	struct iov_record_row row;
	iov_auto(free_release) struct iov_release *release = NULL;
	int rc = read_row(ctx, what, json, &row);
	if (!rc)
		rc = iov_store_release(ctx, row.sha256, &release);
	if (rc)
		return rc;
	const struct iov_manifest *manifest = release->manifest;
	if (strcmp(manifest->name, row.name) != 0 || strcmp(manifest->version.text, row.version) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' names '%s' %s, but the store has '%s' %s under its digest",
				 what, row.name, row.version, manifest->name, manifest->version.text);
	if (row.registry && !(release->registry = strdup(row.registry)))
		return iov_oom(ctx);
	rc = iov_generation_put_release(ctx, generation, iov_take(release), row.object, row.requirement);
	if (rc)
		return rc;
	struct iov_installed *put = iov_generation_installed(generation, row.name);
	put->pinned = row.pinned;
	put->proof = iov_record_unfold_proof(json_object_get(json, "proof"), notes);
	return IOV_OK;
}

int iov_record_read_lock(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_generation *generation)
{
	json_t *releases = NULL;
	int rc = check_schema(ctx, what, json);
	if (!rc)
		rc = iov_json_get_uint(ctx, what, json, "generation", &generation->number);
	if (!rc)
		rc = iov_json_get_array(ctx, what, json, "releases", &releases);
	for (size_t i = 0; !rc && i < json_array_size(releases); i++)
		rc = read_release(ctx, what, json_array_get(releases, i), json_object_get(json, "notes"), generation);
	return rc;
}

/* An object whose values are all strings. */
static int get_strings(struct iov_ctx *ctx, const char *what, const json_t *json, const char *key, json_t **ret)
{
	int rc = iov_json_get_object(ctx, what, json, key, ret);
	const char *name;
	json_t *value;
	if (rc)
		return rc;
	json_object_foreach(*ret, name, value) {
		if (!json_is_string(value))
			return iov_error(ctx, IOV_E_INPUT, "%s: '%s' of '%s' is not a string", what, name, key);
	}
	return IOV_OK;
}

/* One of the groups of the module's `choose`, and a reason for each before it. */
static int read_group(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_instance *instance)
{
	uint64_t group = 0;
	size_t i;
	json_t *reason;
	if (!json_object_get(json, "group"))
		return IOV_OK;
	int rc = iov_json_get_uint(ctx, what, json, "group", &group);
	if (!rc)
		rc = iov_json_get_array(ctx, what, json, "passed_over", &instance->passed_over);
	if (rc)
		return rc;
	if (!group || json_array_size(instance->passed_over) != group - 1)
		return iov_error(ctx, IOV_E_INPUT, "%s: 'group' and 'passed_over' of an instance do not agree", what);
	json_array_foreach(instance->passed_over, i, reason) {
		if (!json_is_string(reason))
			return iov_error(ctx, IOV_E_INPUT, "%s: a reason in 'passed_over' is not a string", what);
	}
	instance->group = (unsigned)group;
	return IOV_OK;
}

static int read_instance(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_generation *generation)
{
	const char *name = NULL, *module = NULL;
	struct iov_instance instance = {0}; /* borrowed; put copies it */
	int rc = iov_json_get_string(ctx, what, json, "name", &name);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "module", &module);
	if (!rc)
		rc = get_strings(ctx, what, json, "params", &instance.params);
	if (!rc)
		rc = get_strings(ctx, what, json, "imports", &instance.imports);
	if (!rc)
		rc = iov_json_get_bool(ctx, what, json, "wished", &instance.wished);
	if (!rc)
		rc = read_group(ctx, what, json, &instance);
	if (!rc && json_object_get(json, "renewed"))
		rc = iov_json_get_uint(ctx, what, json, "renewed", &instance.renewed);
	if (rc)
		return rc;
	if (!iov_is_name(name)) /* it becomes a folder of bpffs */
		return iov_error(ctx, IOV_E_INPUT, "%s: '%s' cannot name an instance", what, name);
	instance.name = (char *)name;
	instance.module = (char *)module;
	return iov_generation_put_instance(ctx, generation, &instance);
}

int iov_record_read_instances(struct iov_ctx *ctx, const char *what, const json_t *json,
			      struct iov_generation *generation)
{
	json_t *instances = NULL;
	int rc = check_schema(ctx, what, json);
	if (!rc)
		rc = iov_json_get_array(ctx, what, json, "instances", &instances);
	for (size_t i = 0; !rc && i < json_array_size(instances); i++)
		rc = read_instance(ctx, what, json_array_get(instances, i), generation);
	return rc;
}

int iov_record_rows(struct iov_ctx *ctx, const char *what, const json_t *json,
		    int (*each)(struct iov_ctx *ctx, const struct iov_record_row *row, void *data), void *data)
{
	json_t *releases = NULL;
	int rc = check_schema(ctx, what, json);
	if (!rc)
		rc = iov_json_get_array(ctx, what, json, "releases", &releases);
	for (size_t i = 0; !rc && i < json_array_size(releases); i++) {
		struct iov_record_row row;
		rc = read_row(ctx, what, json_array_get(releases, i), &row);
		if (!rc)
			rc = each(ctx, &row, data);
	}
	return rc;
}
