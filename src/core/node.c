#include "core/node.h"

#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

struct iov_node *iov_node_add(struct iov_node *parent, enum iov_node_kind kind, char *key)
{
	struct iov_node *node = calloc(1, sizeof(*node));
	if (!node) {
		free(key);
		return NULL;
	}
	*node = (struct iov_node){.kind = kind, .key = key, .parent = parent};
	if (!parent)
		return node;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->n_items++;
	return node;
}

void iov_node_free(struct iov_node *node)
{
	if (!node)
		return;
	for (struct iov_node *child = node->first, *next; child; child = next) {
		next = child->next;
		iov_node_free(child);
	}
	free(node->key);
	free(node->text);
	free(node);
}

const struct iov_node *iov_node_get(const struct iov_node *node, const char *key)
{
	if (!node || node->kind != IOV_NODE_MAP)
		return NULL;
	for (const struct iov_node *child = node->first; child; child = child->next)
		if (!strcmp(child->key, key))
			return child;
	return NULL;
}

static void add_path(struct iov_buf *path, const struct iov_node *node)
{
	if (!node->parent)
		return;
	add_path(path, node->parent);
	if (node->key) {
		iov_buf_printf(path, "%s%s", path->len ? "." : "", node->key);
		return;
	}
	size_t index = 0;
	for (const struct iov_node *before = node->parent->first; before != node; before = before->next)
		index++;
	iov_buf_printf(path, "[%zu]", index);
}

char *iov_node_path(const struct iov_node *node)
{
	struct iov_buf path = {0};
	add_path(&path, node);
	return iov_buf_take(&path);
}

static int prefix_mark(struct iov_ctx *ctx, const char *path, const struct iov_mark *mark)
{
	if (!mark->line)
		return iov_error_prefix(ctx, "%s", path);
	return iov_error_prefix(ctx, "%s:%u:%u", path, mark->line, mark->column);
}

static int fail(struct iov_ctx *ctx, const char *path, const struct iov_mark *mark, const char *format, va_list args)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_vprintf(&text, format, args);
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	iov_error(ctx, IOV_E_INPUT, "%s", text.data);
	return prefix_mark(ctx, path, mark);
}

int iov_node_error(struct iov_ctx *ctx, const char *path, const struct iov_node *node, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int err = fail(ctx, path, &node->mark, format, args);
	va_end(args);
	return err;
}

int iov_node_key_error(struct iov_ctx *ctx, const char *path, const struct iov_node *node, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int err = fail(ctx, path, node->key ? &node->key_mark : &node->mark, format, args);
	va_end(args);
	return err;
}

int iov_node_error_prefix(struct iov_ctx *ctx, const char *path, const struct iov_node *node)
{
	return prefix_mark(ctx, path, &node->mark);
}

/* The text of a JSON scalar, and what it is. */
static char *scalar_text(const json_t *json, unsigned *ret_scalar)
{
	char *text = NULL;
	if (json_is_string(json)) {
		*ret_scalar = IOV_SCALAR_STRING;
		return strdup(json_string_value(json));
	}
	if (json_is_integer(json)) {
		*ret_scalar = IOV_SCALAR_INTEGER;
		return asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(json)) < 0 ? NULL : text;
	}
	*ret_scalar = json_is_boolean(json) ? IOV_SCALAR_BOOLEAN : json_is_null(json) ? IOV_SCALAR_NULL : 0;
	return strdup(json_is_true(json)    ? "true"
		      : json_is_false(json) ? "false"
		      : json_is_null(json)  ? "null"
					    : "a fraction");
}

static enum iov_node_kind kind_of(const json_t *json)
{
	return json_is_object(json) ? IOV_NODE_MAP : json_is_array(json) ? IOV_NODE_LIST : IOV_NODE_SCALAR;
}

struct json_walk {
	struct iov_ctx *ctx;
	const char *what;
};

static int add_json(const struct json_walk *walk, struct iov_node *parent, char *key, const json_t *json,
		    unsigned depth, struct iov_node **ret)
{
	struct iov_node *node = iov_node_add(parent, kind_of(json), key);
	if (!node)
		return iov_oom(walk->ctx);
	*ret = node;
	if (node->kind == IOV_NODE_SCALAR) {
		node->text = scalar_text(json, &node->scalar);
		return node->text ? IOV_OK : iov_oom(walk->ctx);
	}
	if (depth == IOV_NODE_DEPTH_MAX)
		return iov_node_error(walk->ctx, walk->what, node, "nested deeper than %d levels", IOV_NODE_DEPTH_MAX);
	if (json_object_size(json) > IOV_NODE_ITEMS_MAX || json_array_size(json) > IOV_NODE_ITEMS_MAX)
		return iov_node_error(walk->ctx, walk->what, node, "more than %d entries in one place",
				      IOV_NODE_ITEMS_MAX);
	struct iov_node *child;
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)json, name, value) {
		char *copy = strdup(name);
		int err = copy ? add_json(walk, node, copy, value, depth + 1, &child) : iov_oom(walk->ctx);
		if (err)
			return err;
	}
	for (size_t i = 0; i < json_array_size(json); i++) {
		int err = add_json(walk, node, NULL, json_array_get(json, i), depth + 1, &child);
		if (err)
			return err;
	}
	return IOV_OK;
}

int iov_node_from_json(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_node **ret)
{
	struct json_walk walk = {.ctx = ctx, .what = what};
	iov_auto(iov_node_release) struct iov_node *root = NULL;
	int err = add_json(&walk, NULL, NULL, json, 1, &root);
	if (!err)
		*ret = iov_take(root);
	return err;
}
