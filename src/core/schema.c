#include "core/schema.h"

#include <errno.h>
#include <string.h>

#include "util/nearest.h"
#include "util/buf.h"
#include "util/cleanup.h"

struct walk {
	struct iov_ctx *ctx;
	const char *path;
};

#define TEXT_MAX 1024 /* bytes of a key or value; the longest sensible one is a path with a symbol */

typedef int convert_fn(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node,
		       json_t **ret);

static int convert(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node, json_t **ret);

/* "PLACE: " before the error of a format, so that one reads which key it is about. */
static int prefix_place(const struct walk *walk, const struct iov_node *node)
{
	iov_auto(iov_free_ptr) char *place = iov_node_path(node);
	if (!place)
		return iov_oom(walk->ctx);
	iov_error_prefix(walk->ctx, "%s", place);
	return iov_node_error_prefix(walk->ctx, walk->path, node);
}

static int check_format(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node)
{
	if (schema->format && schema->format->check(walk->ctx, node->text))
		return prefix_place(walk, node);
	return IOV_OK;
}

/* " in 'maps.imports'", or nothing for the root. */
static char *in_words(const struct iov_node *node)
{
	struct iov_buf words = {0};
	iov_auto(iov_free_ptr) char *place = iov_node_path(node);
	if (place && *place)
		iov_buf_printf(&words, " in '%s'", place);
	return place ? iov_buf_take(&words) : NULL;
}

static char *list_words(const char *const *choices)
{
	struct iov_buf words = {0};
	for (size_t i = 0; choices[i]; i++)
		iov_buf_printf(&words, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
	return iov_buf_take(&words);
}

static int check_choice(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node)
{
	if (!schema->choices)
		return IOV_OK;
	for (size_t i = 0; schema->choices[i]; i++)
		if (!strcmp(schema->choices[i], node->text))
			return IOV_OK;
	iov_auto(iov_free_ptr) char *words = list_words(schema->choices);
	if (!words)
		return iov_oom(walk->ctx);
	iov_error(walk->ctx, IOV_E_INPUT, "'%s' is unknown here; write %s", node->text, words);
	return prefix_place(walk, node);
}

static int convert_text(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node,
			json_t **ret)
{
	int err = check_choice(walk, schema, node);
	if (!err)
		err = check_format(walk, schema, node);
	if (!err && !(*ret = json_string(node->text)))
		return iov_oom(walk->ctx);
	return err;
}

static int convert_integer(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node,
			   json_t **ret)
{
	char *end;
	errno = 0;
	long long value = strtoll(node->text, &end, 10);
	if (errno || end == node->text || *end || !strchr("-0123456789", *node->text)) {
		iov_error(walk->ctx, IOV_E_INPUT, "'%s' is not a whole number", node->text);
		return prefix_place(walk, node);
	}
	int err = check_format(walk, schema, node);
	if (!err && !(*ret = json_integer(value)))
		return iov_oom(walk->ctx);
	return err;
}

static int convert_boolean(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node,
			   json_t **ret)
{
	(void)schema;
	bool yes = !strcmp(node->text, "true");
	if (!yes && strcmp(node->text, "false") != 0) {
		iov_error(walk->ctx, IOV_E_INPUT, "'%s' is neither true nor false; write one of the two", node->text);
		return prefix_place(walk, node);
	}
	*ret = json_boolean(yes);
	return IOV_OK;
}

static int refuse_repeated(const struct walk *walk, const struct iov_node *node)
{
	const struct iov_node *before = node->parent->first;
	while (before != node && !(before->text && node->text && !strcmp(before->text, node->text)))
		before = before->next;
	if (before == node)
		return IOV_OK;
	iov_error(walk->ctx, IOV_E_INPUT, "'%s' is there twice; remove one", node->text);
	return prefix_place(walk, node);
}

static int convert_list(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node,
			json_t **ret)
{
	iov_auto(iov_json_release) json_t *list = json_array();
	if (!list)
		return iov_oom(walk->ctx);
	if (!node->first) {
		iov_error(walk->ctx, IOV_E_INPUT, "the list is empty; name something, or leave the key out");
		return prefix_place(walk, node);
	}
	for (const struct iov_node *child = node->first; child; child = child->next) {
		json_t *item = NULL;
		int err = convert(walk, schema->item, child, &item);
		if (!err && json_array_append_new(list, item))
			return iov_oom(walk->ctx);
		if (!err && !schema->repeats)
			err = refuse_repeated(walk, child);
		if (err)
			return err;
	}
	*ret = iov_take(list);
	return IOV_OK;
}

static int fail_unknown(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node)
{
	iov_auto(iov_buf_release) struct iov_buf hint = {0};
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, node->key, strlen(node->key));
	for (const struct iov_schema *row = schema->members; row->key; row++)
		iov_nearest_offer(&nearest, row->key);
	if (nearest.name)
		iov_buf_printf(&hint, "did you mean '%s'?", nearest.name);
	else
		for (const struct iov_schema *row = schema->members; row->key; row++)
			iov_buf_printf(&hint, "%s%s", row == schema->members ? "known here: " : ", ", row->key);
	iov_auto(iov_free_ptr) char *place = in_words(node->parent);
	if (!place || iov_buf_failed(&hint))
		return iov_oom(walk->ctx);
	return iov_node_key_error(walk->ctx, walk->path, node, "unknown key '%s'%s; %s", node->key, place, hint.data);
}

/* The row for a key; free keys have all the same one. NULL: an unknown key, or a free one whose format has set an
 * error. */
static const struct iov_schema *find_row(const struct walk *walk, const struct iov_schema *schema, const char *key)
{
	if (!schema->members)
		return schema->format && schema->format->check(walk->ctx, key) ? NULL : schema->item;
	const struct iov_schema *row = schema->members;
	while (row->key && strcmp(row->key, key) != 0)
		row++;
	return row->key ? row : NULL;
}

static int fail_free_key(const struct walk *walk, const struct iov_node *node)
{
	iov_auto(iov_free_ptr) char *place = iov_node_path(node->parent);
	iov_auto(iov_free_ptr) char *why = strdup(iov_error_text(walk->ctx));
	if (!place || !why)
		return iov_oom(walk->ctx);
	return iov_node_key_error(walk->ctx, walk->path, node, "%s: %s", place, why);
}

/* What is wrong with a text whatever it stands for; such texts are not repeated in errors. NULL: nothing. */
static const char *fault_of(const char *text)
{
	if (strlen(text) > TEXT_MAX)
		return "longer than 1024 bytes; shorten it";
	return iov_is_plain_text(text) ? NULL : "with a line break or control character; write it on one line";
}

static int check_key(const struct walk *walk, const struct iov_node *node)
{
	const char *fault = fault_of(node->key);
	if (fault)
		return iov_node_key_error(walk->ctx, walk->path, node, "a key %s", fault);
	if (iov_node_get(node->parent, node->key) == node)
		return IOV_OK;
	iov_auto(iov_free_ptr) char *place = in_words(node->parent);
	if (!place)
		return iov_oom(walk->ctx);
	return iov_node_key_error(walk->ctx, walk->path, node, "key '%s' is there twice%s; remove one", node->key,
				  place);
}

static int check_required(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node)
{
	for (const struct iov_schema *row = schema->members; row && row->key; row++) {
		if (!row->required || iov_node_get(node, row->key))
			continue;
		iov_auto(iov_free_ptr) char *place = in_words(node);
		if (!place)
			return iov_oom(walk->ctx);
		return iov_node_error(walk->ctx, walk->path, node, "key '%s' is missing%s; add it: %s", row->key, place,
				      row->summary);
	}
	return IOV_OK;
}

static int convert_entry(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node,
			 json_t **ret)
{
	int err = check_key(walk, node);
	if (err)
		return err;
	const struct iov_schema *row = find_row(walk, schema, node->key);
	if (row)
		return convert(walk, row, node, ret);
	return schema->members ? fail_unknown(walk, schema, node) : fail_free_key(walk, node);
}

static int convert_map(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node,
		       json_t **ret)
{
	iov_auto(iov_json_release) json_t *map = json_object();
	if (!map)
		return iov_oom(walk->ctx);
	for (const struct iov_node *child = node->first; child; child = child->next) {
		json_t *value = NULL;
		int err = convert_entry(walk, schema, child, &value);
		if (err)
			return err;
		if (json_object_set_new(map, child->key, value))
			return iov_oom(walk->ctx);
	}
	int err = check_required(walk, schema, node);
	if (!err)
		*ret = iov_take(map);
	return err;
}

static const struct {
	const char *words;
	enum iov_node_kind node;
	enum iov_scalar scalar;
	convert_fn *convert;
} kinds[] = {
	[IOV_SCHEMA_TEXT] = {"text", IOV_NODE_SCALAR, IOV_SCALAR_STRING, convert_text},
	[IOV_SCHEMA_VALUE] = {"text", IOV_NODE_SCALAR, IOV_SCALAR_STRING, convert_text},
	[IOV_SCHEMA_INTEGER] = {"a whole number, without quotes", IOV_NODE_SCALAR, IOV_SCALAR_INTEGER, convert_integer},
	[IOV_SCHEMA_BOOLEAN] = {"true or false, without quotes", IOV_NODE_SCALAR, IOV_SCALAR_BOOLEAN, convert_boolean},
	[IOV_SCHEMA_LIST] = {"a list", IOV_NODE_LIST, 0, convert_list},
	[IOV_SCHEMA_MAP] = {"a map of keys and values", IOV_NODE_MAP, 0, convert_map},
};

/* "'maps.imports'", or words for the root. */
static char *subject_of(const struct iov_node *node)
{
	struct iov_buf subject = {0};
	iov_auto(iov_free_ptr) char *place = iov_node_path(node);
	if (place)
		iov_buf_printf(&subject, "%s%s%s", *place ? "'" : "", *place ? place : "the document",
			       *place ? "'" : "");
	return place ? iov_buf_take(&subject) : NULL;
}

static int fail_kind(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node)
{
	static const char *const found[] = {"a single value", "a map", "a list"};
	const char *wanted = kinds[schema->kind].words;
	iov_auto(iov_free_ptr) char *subject = subject_of(node);
	if (!subject)
		return iov_oom(walk->ctx);
	if (node->scalar == IOV_SCALAR_NULL)
		return iov_node_error(walk->ctx, walk->path, node, "%s has no value; give it %s%s", subject, wanted,
				      schema->required ? "" : ", or leave it out");
	if (node->kind == kinds[schema->kind].node)
		return iov_node_error(walk->ctx, walk->path, node, "%s is '%s', but must be %s", subject, node->text,
				      wanted);
	return iov_node_error(walk->ctx, walk->path, node, "%s is %s, but must be %s", subject, found[node->kind],
			      wanted);
}

static int convert(const struct walk *walk, const struct iov_schema *schema, const struct iov_node *node, json_t **ret)
{
	const char *fault = node->text ? fault_of(node->text) : NULL;
	if (fault) {
		iov_error(walk->ctx, IOV_E_INPUT, "a value %s", fault);
		return prefix_place(walk, node);
	}
	if (schema->otherwise && node->kind == kinds[schema->otherwise->kind].node)
		return convert(walk, schema->otherwise, node, ret);
	bool fits = node->kind == kinds[schema->kind].node;
	if (fits && node->kind == IOV_NODE_SCALAR)
		fits = (node->scalar & kinds[schema->kind].scalar) != 0;
	return fits ? kinds[schema->kind].convert(walk, schema, node, ret) : fail_kind(walk, schema, node);
}

int iov_schema_convert(struct iov_ctx *ctx, const char *path, const struct iov_schema *schema,
		       const struct iov_node *node, json_t **ret)
{
	const struct walk walk = {.ctx = ctx, .path = path};
	return convert(&walk, schema, node, ret);
}
