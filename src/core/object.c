#include "core/object.h"

#include <stdlib.h>
#include <string.h>

#include "core/facts.h"
#include "util/cleanup.h"

#define WHAT "object"

static int get_u32(struct iov_ctx *ctx, const char *what, const json_t *json, const char *key, uint32_t *ret)
{
	uint64_t value = 0;
	int rc = iov_json_get_uint(ctx, what, json, key, &value);
	if (rc)
		return rc;
	if (value > UINT32_MAX)
		return iov_error(ctx, IOV_E_INPUT, "%s: '%s' does not fit 32 bits", what, key);
	*ret = (uint32_t)value;
	return IOV_OK;
}

static int read_program(struct iov_ctx *ctx, const json_t *json, struct iov_object_program *ret)
{
	static const char what[] = "a program of the " WHAT;
	int rc = iov_json_get_string(ctx, what, json, "name", &ret->name);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "section", &ret->section);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "type", &ret->type);
	return rc ? rc : iov_json_get_bool(ctx, what, json, "autoload", &ret->autoload);
}

static int read_fingerprint(struct iov_ctx *ctx, const json_t *json, struct iov_object_map *ret)
{
	const char *hex = NULL;
	int rc = iov_json_get_string(ctx, "a map of the " WHAT, json, "fingerprint", &hex);
	if (rc)
		return rc;
	if (!iov_is_sha256_hex(hex))
		return iov_error(ctx, IOV_E_INPUT, "map '%s' of the " WHAT ": 'fingerprint' is not a SHA-256",
				 ret->name);
	memcpy(ret->fingerprint, hex, IOV_HEX_SIZE);
	return IOV_OK;
}

static int read_sizes(struct iov_ctx *ctx, const json_t *json, struct iov_object_map *ret)
{
	const struct {
		const char *key;
		uint32_t *ret;
	} members[] = {
		{"key_size", &ret->key_size},
		{"value_size", &ret->value_size},
		{"max_entries", &ret->max_entries},
		{"flags", &ret->flags},
	};
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < IOV_COUNT(members); i++)
		rc = get_u32(ctx, "a map of the " WHAT, json, members[i].key, members[i].ret);
	return rc;
}

static int read_map(struct iov_ctx *ctx, const json_t *json, struct iov_object_map *ret)
{
	static const char what[] = "a map of the " WHAT;
	int rc = iov_json_get_string(ctx, what, json, "name", &ret->name);
	if (!rc)
		rc = iov_json_get_string(ctx, what, json, "type", &ret->type);
	if (!rc)
		rc = read_sizes(ctx, json, ret);
	if (!rc)
		rc = iov_json_get_object(ctx, what, json, "layout", &ret->layout);
	return rc ? rc : read_fingerprint(ctx, json, ret);
}

static int read_programs(struct iov_ctx *ctx, struct iov_object *object)
{
	json_t *array = NULL;
	int rc = iov_json_get_array(ctx, WHAT, object->json, "programs", &array);
	if (rc)
		return rc;
	object->programs = calloc(json_array_size(array) + 1, sizeof(*object->programs));
	if (!object->programs)
		return iov_oom(ctx);
	for (; !rc && object->n_programs < json_array_size(array); object->n_programs++)
		rc = read_program(ctx, json_array_get(array, object->n_programs),
				  &object->programs[object->n_programs]);
	return rc;
}

static int read_maps(struct iov_ctx *ctx, struct iov_object *object)
{
	json_t *array = NULL;
	int rc = iov_json_get_array(ctx, WHAT, object->json, "maps", &array);
	if (rc)
		return rc;
	object->maps = calloc(json_array_size(array) + 1, sizeof(*object->maps));
	if (!object->maps)
		return iov_oom(ctx);
	for (; !rc && object->n_maps < json_array_size(array); object->n_maps++)
		rc = read_map(ctx, json_array_get(array, object->n_maps), &object->maps[object->n_maps]);
	return rc;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* Names end up on terminals, so an object from elsewhere must not bring control characters. Every name of C and of ELF
 * is printable ASCII. */
static bool all_printable(const json_t *json)
{
	const char *key;
	json_t *item;
	size_t i;
	if (json_is_string(json))
		return is_printable(json_string_value(json));
	json_object_foreach((json_t *)json, key, item) {
		if (!is_printable(key) || !all_printable(item))
			return false;
	}
	json_array_foreach(json, i, item) {
		if (!all_printable(item))
			return false;
	}
	return true;
}

int iov_object_from_json(struct iov_ctx *ctx, json_t *json, struct iov_object **ret)
{
	if (!all_printable(json))
		return iov_error(ctx, IOV_E_INPUT, WHAT " has a name that is not printable ASCII");
	struct iov_object *object = calloc(1, sizeof(*object));
	if (!object)
		return iov_oom(ctx);
	object->json = json_incref(json);
	int rc = iov_json_get_string(ctx, WHAT, json, "license", &object->license);
	if (!rc)
		rc = read_programs(ctx, object);
	if (!rc)
		rc = read_maps(ctx, object);
	if (!rc)
		rc = iov_json_opt_object(ctx, WHAT, json, "facts", &object->facts);
	if (!rc && object->facts)
		rc = iov_facts_check(ctx, object->facts);
	if (rc) {
		iov_object_free(object);
		return rc;
	}
	*ret = object;
	return IOV_OK;
}

void iov_object_free(struct iov_object *object)
{
	if (!object)
		return;
	free(object->programs);
	free(object->maps);
	json_decref(object->json);
	free(object);
}

bool iov_object_is_constants(const char *map)
{
	return !strncmp(map, ".rodata", 7) || !strncmp(map, ".kconfig", 8);
}

const struct iov_object_map *iov_object_find_map(const struct iov_object *object, const char *name)
{
	for (size_t i = 0; i < object->n_maps; i++)
		if (!strcmp(object->maps[i].name, name))
			return &object->maps[i];
	return NULL;
}

const struct iov_object_program *iov_object_find_program(const struct iov_object *object, const char *name)
{
	for (size_t i = 0; i < object->n_programs; i++)
		if (!strcmp(object->programs[i].name, name))
			return &object->programs[i];
	return NULL;
}
