#include "core/schema.h"

#include "util/cleanup.h"

static json_t *describe(const struct iov_schema *schema);

/* Sets a member; a NULL value is a failed allocation. */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static bool add_text(json_t *object, const struct iov_schema *schema)
{
	if (schema->choices) {
		json_t *words = json_array();
		for (size_t i = 0; words && schema->choices[i]; i++)
			json_array_append_new(words, json_string(schema->choices[i]));
		return set(object, "type", json_string("string")) && set(object, "enum", words);
	}
	bool good = set(object, "type",
			schema->kind == IOV_SCHEMA_TEXT ? json_string("string")
							: json_pack("[s,s,s]", "string", "number", "boolean"));
	if (good && schema->format && schema->format->pattern)
		good = set(object, "pattern", json_string(schema->format->pattern));
	return good;
}

static bool add_integer(json_t *object, const struct iov_schema *schema)
{
	(void)schema;
	return set(object, "type", json_string("integer"));
}

static bool add_boolean(json_t *object, const struct iov_schema *schema)
{
	(void)schema;
	return set(object, "type", json_string("boolean"));
}

static bool add_list(json_t *object, const struct iov_schema *schema)
{
	return set(object, "type", json_string("array")) && set(object, "items", describe(schema->item)) &&
	       set(object, "minItems", json_integer(1)) && (schema->repeats || set(object, "uniqueItems", json_true()));
}

static bool add_members(json_t *object, const struct iov_schema *schema)
{
	json_t *properties = json_object();
	iov_auto(iov_json_release) json_t *required = json_array();
	if (!set(object, "properties", properties) || !required)
		return false;
	for (const struct iov_schema *row = schema->members; row->key; row++) {
		if (!set(properties, row->key, describe(row)))
			return false;
		if (row->required && json_array_append_new(required, json_string(row->key)))
			return false;
	}
	if (json_array_size(required) && json_object_set(object, "required", required))
		return false;
	return set(object, "additionalProperties", json_false());
}

static bool add_map(json_t *object, const struct iov_schema *schema)
{
	if (!set(object, "type", json_string("object")))
		return false;
	if (schema->members)
		return add_members(object, schema);
	bool good = set(object, "additionalProperties", describe(schema->item));
	if (good && schema->format && schema->format->pattern)
		good = set(object, "propertyNames", json_pack("{s:s}", "pattern", schema->format->pattern));
	return good;
}

static bool (*const adders[])(json_t *object, const struct iov_schema *schema) = {
	[IOV_SCHEMA_TEXT] = add_text,	    [IOV_SCHEMA_VALUE] = add_text, [IOV_SCHEMA_INTEGER] = add_integer,
	[IOV_SCHEMA_BOOLEAN] = add_boolean, [IOV_SCHEMA_LIST] = add_list,  [IOV_SCHEMA_MAP] = add_map,
};

/* Either of two: what the row says itself, or what may stand there instead. */
static bool add_both(json_t *object, const struct iov_schema *schema)
{
	json_t *either = json_array(), *one = json_object();
	return set(object, "anyOf", either) && one && adders[schema->kind](one, schema) &&
	       !json_array_append_new(either, one) && !json_array_append_new(either, describe(schema->otherwise));
}

static json_t *describe(const struct iov_schema *schema)
{
	iov_auto(iov_json_release) json_t *object = json_object();
	if (!object || !(schema->otherwise ? add_both : adders[schema->kind])(object, schema))
		return NULL;
	if (schema->summary && !set(object, "description", json_string(schema->summary)))
		return NULL;
	return iov_take(object);
}

json_t *iov_schema_describe(const struct iov_schema *schema, const char *title)
{
	iov_auto(iov_json_release) json_t *object = describe(schema);
	if (!object || !set(object, "$schema", json_string("https://json-schema.org/draft/2020-12/schema")) ||
	    !set(object, "title", json_string(title)))
		return NULL;
	return iov_take(object);
}
