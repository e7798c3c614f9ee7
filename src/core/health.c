#include "core/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define KEY_MAX 1024 /* bytes; the kernel's own limit for hash maps is 512 */

/* Maps with entries that can be looked up. An array always has all of its entries. */
static const struct {
	const char *type;
	bool counts;
} looked_up[] = {
	{"hash", true},	    {"percpu_hash", true}, {"lru_hash", true},	    {"lru_percpu_hash", true},
	{"lpm_trie", true}, {"array", false},	   {"percpu_array", false},
};

void iov_health_value_release(struct iov_health_value *value)
{
	free(value->field);
	json_decref(value->type);
	*value = (struct iov_health_value){0};
}

/* ---- which map ---- */

static int no_such(struct iov_ctx *ctx, const char *what, const char *name, const struct iov_buf *have)
{
	if (iov_buf_failed(have))
		return iov_oom(ctx);
	return iov_error(ctx, IOV_E_INPUT, "the object has no %s '%s'; it has: %s", what, name,
			 have->len ? have->data : "none at all");
}

static int find_map(struct iov_ctx *ctx, const struct iov_object *object, const struct iov_health_spec *spec,
		    struct iov_health_value *ret)
{
	iov_auto(iov_buf_release) struct iov_buf have = {0};
	ret->map = iov_object_find_map(object, spec->name);
	for (size_t i = 0; i < object->n_maps; i++)
		iov_buf_printf(&have, "%s%s", i ? ", " : "", object->maps[i].name);
	if (!ret->map)
		return no_such(ctx, "map", spec->name, &have);
	for (size_t i = 0; i < IOV_COUNT(looked_up); i++) {
		if (strcmp(looked_up[i].type, ret->map->type) != 0)
			continue;
		if (spec->key || looked_up[i].counts)
			return IOV_OK;
		return iov_error(ctx, IOV_E_INPUT,
				 "an '%s' has all its entries at all times, so counting them says nothing; add a 'key'",
				 ret->map->type);
	}
	return iov_error(ctx, IOV_E_INPUT, "map '%s' is a '%s', in which no value can be looked up by a key",
			 spec->name, ret->map->type);
}

static bool is_section(const struct iov_object_map *map)
{
	const char *kind = json_string_value(json_object_get(json_object_get(map->layout, "value"), "kind"));
	return kind && !strcmp(kind, "section");
}

static bool has_variable(const struct iov_object_map *map, const char *name, struct iov_buf *have)
{
	size_t i;
	json_t *variable;
	json_array_foreach(json_object_get(json_object_get(map->layout, "value"), "members"), i, variable) {
		const char *found = json_string_value(json_object_get(variable, "name"));
		if (found && !strcmp(found, name))
			return true;
		iov_buf_printf(have, "%s%s", have->len ? ", " : "", found ? found : "?");
	}
	return false;
}

/* Constants are passed over: they say nothing of how a program does. */
static int find_variable(struct iov_ctx *ctx, const struct iov_object *object, const struct iov_health_spec *spec,
			 struct iov_health_value *ret)
{
	iov_auto(iov_buf_release) struct iov_buf have = {0};
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct iov_object_map *map = &object->maps[i];
		if (!is_section(map) || iov_object_is_constants(map->name) || !has_variable(map, spec->name, &have))
			continue;
		ret->map = map;
		return IOV_OK;
	}
	return no_such(ctx, "global variable", spec->name, &have);
}

/* ---- where in it ---- */

static char *field_of(const struct iov_health_spec *spec)
{
	struct iov_buf field = {0};
	if (spec->kind == IOV_HEALTH_VARIABLE)
		iov_buf_puts(&field, spec->name);
	if (spec->field)
		iov_buf_printf(&field, "%s%s", field.len ? "." : "", spec->field);
	return iov_buf_take(&field);
}

static int check_key(struct iov_ctx *ctx, const struct iov_health_spec *spec, const struct iov_object_map *map)
{
	unsigned char key[KEY_MAX];
	if (!spec->key || !map)
		return IOV_OK;
	if (map->key_size > sizeof(key))
		return iov_error(ctx, IOV_E_INPUT,
				 "the map's keys have %u bytes; 1024 are the most that can be looked up",
				 map->key_size);
	return iov_place_make_key(ctx, json_object_get(map->layout, "key"), spec->key, key, map->key_size);
}

static int find_place(struct iov_ctx *ctx, const struct iov_health_spec *spec, struct iov_health_value *ret)
{
	const json_t *layout = ret->map ? json_object_get(ret->map->layout, "value") : NULL;
	if (spec->kind == IOV_HEALTH_MAP && !spec->key) {
		ret->type = json_string("u64");
		ret->place = (struct iov_layout_place){.type = ret->type};
		return ret->type ? IOV_OK : iov_oom(ctx);
	}
	if (!layout)
		return iov_error(
			ctx, IOV_E_INPUT,
			"nobody knows the type of the map's values; let the source name it with __type(value, ...)");
	ret->field = field_of(spec);
	if (!ret->field)
		return iov_oom(ctx);
	int rc = iov_place_find(ctx, layout, ret->field, &ret->place);
	return rc ? rc : iov_place_check_number(ctx, &ret->place);
}

int iov_health_resolve(struct iov_ctx *ctx, const struct iov_object *object, const struct iov_health_spec *spec,
		       struct iov_health_value *ret, const char **ret_key)
{
	static const char *const compared[] = {"equals", "at_least", "at_most", "rises_by"};
	bool of_map = spec->kind == IOV_HEALTH_MAP;
	const char *key = of_map ? "map" : "variable";
	iov_auto(iov_health_value_release) struct iov_health_value value = {0};
	int rc = of_map ? find_map(ctx, object, spec, &value) : find_variable(ctx, object, spec, &value);
	if (!rc) {
		key = "key";
		rc = check_key(ctx, spec, value.map);
	}
	if (!rc) {
		key = spec->field ? "field" : of_map ? "map" : "variable";
		rc = spec->field && of_map && !spec->key
			     ? iov_error(ctx, IOV_E_INPUT, "a number of entries has no fields; add a 'key'")
			     : find_place(ctx, spec, &value);
	}
	if (!rc) {
		key = compared[spec->compare];
		rc = iov_place_parse(ctx, &value.place, spec->than, &value.than);
	}
	*ret_key = key;
	if (rc)
		return rc;
	*ret = value;
	value = (struct iov_health_value){0};
	return IOV_OK;
}

/* ---- the comparison ---- */

bool iov_health_holds(const struct iov_health_value *value, enum iov_compare compare, uint64_t base, uint64_t seen)
{
	bool is_signed = iov_place_is_signed(&value->place);
	bool less = is_signed ? (int64_t)seen < (int64_t)value->than : seen < value->than;
	bool fell = is_signed ? (int64_t)seen < (int64_t)base : seen < base;
	const bool holds[] = {
		[IOV_EQUALS] = seen == value->than,
		[IOV_AT_LEAST] = !less,
		[IOV_AT_MOST] = less || seen == value->than,
		[IOV_RISES_BY] = !fell && seen - base >= value->than,
	};
	return holds[compare];
}

void iov_health_print(const struct iov_health_value *value, uint64_t number, char *ret, size_t size)
{
	if (iov_place_is_signed(&value->place))
		snprintf(ret, size, "%" PRId64, (int64_t)number);
	else
		snprintf(ret, size, "%" PRIu64, number);
}
