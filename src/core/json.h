/*
 * JSON as iovpkg writes and reads it, over jansson. Canonical JSON is RFC 8785 for our documents (objects sorted by
 * key, no white space, integers only), so that equal documents are equal bytes and can be signed.
 *
 * The getters read one member of an object, and fail with the document's name and the member's: "index line of
 * 'flow-top': 'version' is not a string".
 */
#ifndef IOV_CORE_JSON_H
#define IOV_CORE_JSON_H

#include <jansson.h>

#include "core/ctx.h"

static inline void iov_json_release(json_t **json)
{
	json_decref(*json);
}

/* Refuses duplicates of keys, nesting over 32 and text over `limit` bytes. */
int iov_json_parse(struct iov_ctx *ctx, const char *what, const char *text, size_t len, size_t limit, json_t **ret);
int iov_json_read(struct iov_ctx *ctx, const char *path, size_t limit, json_t **ret);
char *iov_json_canonical(const json_t *json); /* owned; NULL: no memory or a number that is no integer */
char *iov_json_text(const json_t *json);      /* the same, indented by two, for people; a final newline */

/* Values are borrowed from `object`. The `_opt` forms leave *ret as it is where the member is absent or null. */
int iov_json_get_string(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, const char **ret);
int iov_json_get_uint(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, uint64_t *ret);
int iov_json_get_bool(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool *ret);
int iov_json_get_object(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret);
int iov_json_get_array(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret);
int iov_json_opt_string(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, const char **ret);
int iov_json_opt_uint(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, uint64_t *ret);
int iov_json_opt_bool(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, bool *ret);
int iov_json_opt_object(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret);
int iov_json_opt_array(struct iov_ctx *ctx, const char *what, const json_t *object, const char *key, json_t **ret);

#endif
