/* Reading the library's documents (docs/json.md) for a person's eyes: what is missing reads as nothing. */
#ifndef IOV_CLI_JSON_H
#define IOV_CLI_JSON_H

#include <jansson.h>

#include "util/cleanup.h"

static inline const char *cli_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static inline uint64_t cli_uint(const json_t *object, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(object, key));
	return number < 0 ? 0 : (uint64_t)number;
}

static inline bool cli_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static inline void cli_json_release(json_t **json)
{
	json_decref(*json);
}

/* Does the document that a call answered with say yes under this key? Exit codes follow from it. */
static inline bool cli_answer_has(const char *json, const char *key)
{
	iov_auto(cli_json_release) json_t *answer = json ? json_loads(json, 0, NULL) : NULL;
	return cli_true(answer, key);
}

#endif
