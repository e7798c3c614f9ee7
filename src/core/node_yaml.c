/*
 * libyaml's events, not its document tree: only the events still show anchors, aliases and tags, and they let the
 * limits act before anything is built.
 */
#include "core/node.h"

#include <string.h>
#include <yaml.h>

#include "util/cleanup.h"

struct reader {
	struct iov_ctx *ctx;
	const char *path;
	yaml_parser_t parser;
	yaml_event_t event; /* the current one, owned */
};

static void reader_release(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
}

static struct iov_mark mark_of(const yaml_mark_t *mark)
{
	return (struct iov_mark){.line = (unsigned)mark->line + 1, .column = (unsigned)mark->column + 1};
}

static int fail(struct reader *reader, const char *what)
{
	struct iov_mark mark = mark_of(&reader->event.start_mark);
	return iov_error(reader->ctx, IOV_E_INPUT, "%s:%u:%u: %s", reader->path, mark.line, mark.column, what);
}

/* What usually stands behind a complaint of libyaml. */
static const struct {
	const char *problem, *hint;
} hints[] = {
	{"alphabetic or numeric character", "a value that begins with '*' or '&' needs quotes, as in '*'"},
	{"expected comment or line break", "a value that begins with '>' or '|' needs quotes, as in '>=1.2'"},
	{"chomping or indentation", "a value that begins with '>' or '|' needs quotes, as in '>=1.2'"},
	{"cannot start any token", "indent with spaces, not tabs, and quote a value that begins with '@', '%' or '`'"},
	{"mapping values are not allowed", "quote a value that holds ': '"},
	{"expected ':'", "each key is followed by ': '"},
	{"block mapping", "keys of one map stand in the same column"},
	{"UTF-8", "the file must be UTF-8 text"},
	{"control characters", "the file must be UTF-8 text"},
};

static const char *hint_for(const char *problem, const char *context)
{
	for (size_t i = 0; i < IOV_COUNT(hints); i++)
		if (strstr(problem, hints[i].problem) || strstr(context, hints[i].problem))
			return hints[i].hint;
	return "look at the indentation, brackets and quotes before this place";
}

static int fail_syntax(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	if (parser->error == YAML_MEMORY_ERROR)
		return iov_oom(reader->ctx);
	const char *problem = parser->problem ? parser->problem : "unreadable";
	struct iov_mark mark = mark_of(parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark);
	return iov_error(reader->ctx, IOV_E_INPUT, "%s:%u:%u: not valid YAML, %s; %s", reader->path, mark.line,
			 mark.column, problem, hint_for(problem, parser->context ? parser->context : ""));
}

static int next_event(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	return yaml_parser_parse(&reader->parser, &reader->event) ? IOV_OK : fail_syntax(reader);
}

static int refuse_extras(struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return fail(reader,
			    "anchors ('&') and aliases ('*') are not allowed; write the value out, or quote it");
	return tag ? fail(reader, "tags ('!') are not allowed; quote the value if the '!' belongs to it") : IOV_OK;
}

static bool is_null(const char *text)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	for (size_t i = 0; i < IOV_COUNT(words); i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

/* The text of the current event, which is a scalar. */
static int take_text(struct reader *reader, char **ret)
{
	const unsigned char *text = reader->event.data.scalar.value;
	size_t len = reader->event.data.scalar.length;
	int err = refuse_extras(reader, reader->event.data.scalar.anchor, reader->event.data.scalar.tag);
	if (err)
		return err;
	if (memchr(text, '\0', len))
		return fail(reader, "a NUL byte is not allowed; remove the '\\0'");
	*ret = strndup((const char *)text, len);
	return *ret ? IOV_OK : iov_oom(reader->ctx);
}

static int read_scalar(struct reader *reader, struct iov_node *node)
{
	bool plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	int err = take_text(reader, &node->text);
	if (err)
		return err;
	node->scalar = IOV_SCALAR_STRING;
	if (plain)
		node->scalar = is_null(node->text) ? IOV_SCALAR_NULL
						   : IOV_SCALAR_STRING | IOV_SCALAR_INTEGER | IOV_SCALAR_BOOLEAN;
	return IOV_OK;
}

static int read_node(struct reader *reader, struct iov_node *parent, char *key, unsigned depth, struct iov_node **ret);

static int check_room(struct reader *reader, const struct iov_node *node)
{
	return node->n_items < IOV_NODE_ITEMS_MAX ? IOV_OK : fail(reader, "more than 1024 entries in one map or list");
}

static int read_entry(struct reader *reader, struct iov_node *map, unsigned depth)
{
	struct iov_mark mark = mark_of(&reader->event.start_mark);
	char *key = NULL;
	if (reader->event.type == YAML_ALIAS_EVENT)
		return refuse_extras(reader, reader->event.data.alias.anchor, NULL);
	if (reader->event.type != YAML_SCALAR_EVENT)
		return fail(reader, "a key must be a word");
	int err = take_text(reader, &key);
	if (err)
		return err;
	err = next_event(reader);
	if (err) {
		free(key);
		return err;
	}
	struct iov_node *child;
	err = read_node(reader, map, key, depth, &child);
	if (!err)
		child->key_mark = mark;
	return err;
}

static int read_children(struct reader *reader, struct iov_node *node, yaml_event_type_t end, unsigned depth)
{
	for (;;) {
		struct iov_node *child;
		int err = next_event(reader);
		if (err || reader->event.type == end)
			return err;
		err = check_room(reader, node);
		if (!err && node->kind == IOV_NODE_MAP)
			err = read_entry(reader, node, depth);
		else if (!err)
			err = read_node(reader, node, NULL, depth, &child);
		if (err)
			return err;
	}
}

static int read_collection(struct reader *reader, struct iov_node *node, unsigned depth)
{
	bool map = node->kind == IOV_NODE_MAP;
	int err = map ? refuse_extras(reader, reader->event.data.mapping_start.anchor,
				      reader->event.data.mapping_start.tag)
		      : refuse_extras(reader, reader->event.data.sequence_start.anchor,
				      reader->event.data.sequence_start.tag);
	if (err)
		return err;
	if (depth == IOV_NODE_DEPTH_MAX)
		return fail(reader, "nested too deeply; 16 levels are the most");
	return read_children(reader, node, map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth + 1);
}

/* Reads what starts at the current event, up to its last event; takes `key` over. */
static int read_node(struct reader *reader, struct iov_node *parent, char *key, unsigned depth, struct iov_node **ret)
{
	enum iov_node_kind kind = reader->event.type == YAML_MAPPING_START_EVENT    ? IOV_NODE_MAP
				  : reader->event.type == YAML_SEQUENCE_START_EVENT ? IOV_NODE_LIST
										    : IOV_NODE_SCALAR;
	struct iov_node *node = iov_node_add(parent, kind, key);
	if (!node)
		return iov_oom(reader->ctx);
	*ret = node;
	node->mark = mark_of(&reader->event.start_mark);
	if (reader->event.type == YAML_ALIAS_EVENT)
		return refuse_extras(reader, reader->event.data.alias.anchor, NULL);
	return kind == IOV_NODE_SCALAR ? read_scalar(reader, node) : read_collection(reader, node, depth);
}

static int read_document(struct reader *reader, struct iov_node **ret)
{
	int err = next_event(reader); /* the stream's start */
	if (!err)
		err = next_event(reader);
	if (!err && reader->event.type == YAML_STREAM_END_EVENT)
		return fail(reader, "the file is empty");
	if (!err)
		err = next_event(reader);
	if (!err)
		err = read_node(reader, NULL, NULL, 1, ret);
	if (!err)
		err = next_event(reader); /* the document's end */
	if (!err)
		err = next_event(reader);
	if (!err && reader->event.type != YAML_STREAM_END_EVENT)
		return fail(reader, "a second document starts here; one file holds one document");
	return err;
}

int iov_node_parse_yaml(struct iov_ctx *ctx, const char *path, const char *text, size_t len, size_t limit,
			struct iov_node **ret)
{
	if (len > limit)
		return iov_error(ctx, IOV_E_INPUT, "%s: %zu bytes are more than the %zu allowed", path, len, limit);
	struct reader reader = {.ctx = ctx, .path = path};
	if (!yaml_parser_initialize(&reader.parser))
		return iov_oom(ctx);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
	iov_auto(iov_node_release) struct iov_node *root = NULL;
	int err = read_document(&reader, &root);
	reader_release(&reader);
	if (!err)
		*ret = iov_take(root);
	return err;
}
