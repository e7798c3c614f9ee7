#include "core/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define DEPTH_MAX 32 /* our deepest documents are releases with layouts of nested structs: about half of it */

/* What our documents never hold, in words; NULL when the value is fine. */
static const char *fault_of(const json_t *value, int depth)
{
	const char *key;
	json_t *item;
	size_t i;
	const char *fault = NULL;

	if (json_is_real(value))
		return "has a number with a fraction or exponent; only whole numbers are allowed";
	if (!json_is_object(value) && !json_is_array(value))
		return NULL;
	if (depth == 0)
		return "is nested too deeply; 32 levels are allowed";
	json_object_foreach((json_t *)value, key, item) {
		if ((fault = fault_of(item, depth - 1)))
			return fault;
	}
	json_array_foreach(value, i, item) {
		if ((fault = fault_of(item, depth - 1)))
			return fault;
	}
	return NULL;
}

int iov_json_parse(struct iov_ctx *ctx, const char *what, const char *text, size_t len, size_t limit, json_t **ret)
{
	if (len > limit)
		return iov_error(ctx, IOV_E_INPUT, "%s: %zu bytes are more than the %zu allowed", what, len, limit);
	json_error_t error;
	iov_auto(iov_json_release) json_t *json = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, &error);
	if (!json && json_error_code(&error) == json_error_out_of_memory)
		return iov_oom(ctx);
	if (!json)
		return iov_error(ctx, IOV_E_INPUT, "%s:%d:%d: not valid JSON: %s", what, error.line, error.column,
				 error.text);
	const char *fault = fault_of(json, DEPTH_MAX);
	if (fault)
		return iov_error(ctx, IOV_E_INPUT, "%s %s", what, fault);
	*ret = iov_take(json);
	return IOV_OK;
}

int iov_json_read(struct iov_ctx *ctx, const char *path, size_t limit, json_t **ret)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	int rc = iov_fs_read(path, limit, &text);
	if (rc == -EFBIG)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is longer than the %zu bytes allowed", path, limit);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot read '%s'", path);
	return iov_json_parse(ctx, path, text.data, text.len, limit, ret);
}

/* jansson writes control characters as \u001F; RFC 8785 wants \u001f. */
static void lower_escapes(char *text)
{
	while ((text = strchr(text, '\\'))) {
		for (int i = 2; text[1] == 'u' && i < 6; i++)
			if (text[i] >= 'A' && text[i] <= 'F')
				text[i] += 'a' - 'A';
		text += 2;
	}
}

/* Keys are sorted by bytes; for the ASCII keys of our documents this is RFC 8785's order of UTF-16 units. */
static char *dump(const json_t *json, size_t flags)
{
	if (fault_of(json, DEPTH_MAX))
		return NULL;
	char *text = json_dumps(json, flags | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (text)
		lower_escapes(text);
	return text;
}

char *iov_json_canonical(const json_t *json)
{
	return dump(json, JSON_COMPACT);
}

char *iov_json_text(const json_t *json)
{
	iov_auto(iov_free_ptr) char *text = dump(json, JSON_INDENT(2));
	size_t len = text ? strlen(text) : 0;
	char *line = text ? realloc(text, len + 2) : NULL;
	if (!line)
		return NULL;
	text = NULL;
	memcpy(line + len, "\n", 2);
	return line;
}

/* A member that is absent or null gives NULL, which is an error only where it is required. */
static int member(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool required,
		  json_t **ret)
{
	if (!json_is_object(object))
		return iov_error(ctx, IOV_E_INPUT, "%s is not an object", what);
	json_t *value = json_object_get(object, key);
	*ret = json_is_null(value) ? NULL : value;
	return *ret || !required ? IOV_OK : iov_error(ctx, IOV_E_INPUT, "%s has no '%s'", what, key);
}

static int wrong_type(struct iov_ctx *ctx, const char *what, const char *key, const char *wanted)
{
	return iov_error(ctx, IOV_E_INPUT, "%s: '%s' is not %s", what, key, wanted);
}

static int string_member(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool required,
			 const char **ret)
{
	json_t *value = NULL;
	int rc = member(ctx, what, object, key, required, &value);
	if (rc || !value)
		return rc;
	if (!json_is_string(value))
		return wrong_type(ctx, what, key, "a string");
	*ret = json_string_value(value);
	return IOV_OK;
}

static int uint_member(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool required,
		       uint64_t *ret)
{
	json_t *value = NULL;
	int rc = member(ctx, what, object, key, required, &value);
	if (rc || !value)
		return rc;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return wrong_type(ctx, what, key, "a whole number of zero or more");
	*ret = (uint64_t)json_integer_value(value);
	return IOV_OK;
}

static int bool_member(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool required,
		       bool *ret)
{
	json_t *value = NULL;
	int rc = member(ctx, what, object, key, required, &value);
	if (rc || !value)
		return rc;
	if (!json_is_boolean(value))
		return wrong_type(ctx, what, key, "true or false");
	*ret = json_is_true(value);
	return IOV_OK;
}

static int container_member(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool required,
			    json_type type, json_t **ret)
{
	json_t *value = NULL;
	int rc = member(ctx, what, object, key, required, &value);
	if (rc || !value)
		return rc;
	if (json_typeof(value) != type)
		return wrong_type(ctx, what, key, type == JSON_OBJECT ? "an object" : "an array");
	*ret = value;
	return IOV_OK;
}

int iov_json_get_string(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, const char **ret)
{
	return string_member(ctx, what, object, key, true, ret);
}

int iov_json_get_uint(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, uint64_t *ret)
{
	return uint_member(ctx, what, object, key, true, ret);
}

int iov_json_get_bool(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool *ret)
{
	return bool_member(ctx, what, object, key, true, ret);
}

int iov_json_get_object(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret)
{
	return container_member(ctx, what, object, key, true, JSON_OBJECT, ret);
}

int iov_json_get_array(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret)
{
	return container_member(ctx, what, object, key, true, JSON_ARRAY, ret);
}

int iov_json_opt_string(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, const char **ret)
{
	return string_member(ctx, what, object, key, false, ret);
}

int iov_json_opt_uint(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, uint64_t *ret)
{
	return uint_member(ctx, what, object, key, false, ret);
}

int iov_json_opt_bool(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool *ret)
{
	return bool_member(ctx, what, object, key, false, ret);
}

int iov_json_opt_object(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret)
{
	return container_member(ctx, what, object, key, false, JSON_OBJECT, ret);
}

int iov_json_opt_array(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret)
{
	return container_member(ctx, what, object, key, false, JSON_ARRAY, ret);
}
