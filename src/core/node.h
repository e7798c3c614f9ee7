/*
 * A document as it was written, before anything is made of it: maps, lists and scalars, each knowing where it stands.
 * Both YAML that people write and JSON that travels become this tree, so that one schema (core/schema.h) checks both
 * and every error can point at its place.
 *
 * YAML is taken in its plain form only: no anchors, aliases or tags, one document, keys that are scalars.
 */
#ifndef IOV_CORE_NODE_H
#define IOV_CORE_NODE_H

#include "core/json.h"

/* Limits on a document; our largest manifest is nested 6 deep and has some 100 entries. */
#define IOV_NODE_DEPTH_MAX 16
#define IOV_NODE_ITEMS_MAX 1024 /* in one map or list */

enum iov_node_kind { IOV_NODE_SCALAR, IOV_NODE_MAP, IOV_NODE_LIST };

/* What a scalar may be taken for. A plain YAML scalar may be anything; the schema decides, nothing is guessed. */
enum iov_scalar { IOV_SCALAR_STRING = 1, IOV_SCALAR_INTEGER = 2, IOV_SCALAR_BOOLEAN = 4, IOV_SCALAR_NULL = 8 };

struct iov_mark {
	unsigned line, column; /* from 1; 0: not from a text */
};

struct iov_node {
	enum iov_node_kind kind;
	unsigned scalar; /* bits of enum iov_scalar */
	char *key;	 /* in the parent map; NULL elsewhere */
	char *text;	 /* of a scalar */
	struct iov_mark key_mark, mark;
	struct iov_node *parent, *first, *last, *next;
	size_t n_items;
};

/* `path` names the document in error texts. Text over `limit` bytes is refused unread. */
int iov_node_parse_yaml(struct iov_ctx *ctx, const char *path, const char *text, size_t len, size_t limit,
			struct iov_node **ret);
int iov_node_from_json(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_node **ret);
void iov_node_free(struct iov_node *node);

static inline void iov_node_release(struct iov_node **node)
{
	iov_node_free(*node);
}

/* NULL: no such key, or not a map. */
const struct iov_node *iov_node_get(const struct iov_node *node, const char *key);
/* "maps.imports.flows" or "choose[1]"; "" for the root. Owned by the caller; NULL: no memory. */
char *iov_node_path(const struct iov_node *node);

/* IOV_E_INPUT with "PATH:LINE:COLUMN: " (or "WHAT: " for JSON) before the text; _key points at the node's key. */
int iov_node_error(struct iov_ctx *ctx, const char *path, const struct iov_node *node, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int iov_node_key_error(struct iov_ctx *ctx, const char *path, const struct iov_node *node, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The same before the text of the error that stands. */
int iov_node_error_prefix(struct iov_ctx *ctx, const char *path, const struct iov_node *node);

/* For the makers of trees. Adds to the parent (NULL: a root); takes `key` over, also when it fails. NULL: no memory. */
struct iov_node *iov_node_add(struct iov_node *parent, enum iov_node_kind kind, char *key);

#endif
