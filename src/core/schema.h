/*
 * A schema is a table of nested rows that says what a document may hold. It checks YAML and JSON alike (both are read
 * into core/node.h), turns them into JSON whose types come from the schema and never from a guess, and writes itself as
 * JSON Schema for editors.
 */
#ifndef IOV_CORE_SCHEMA_H
#define IOV_CORE_SCHEMA_H

#include "core/format.h"
#include "core/node.h"

enum iov_schema_kind {
	IOV_SCHEMA_TEXT,  /* a string; in YAML with or without quotes */
	IOV_SCHEMA_VALUE, /* the same, for values that people think of as numbers or booleans too: kept as text */
	IOV_SCHEMA_INTEGER,
	IOV_SCHEMA_BOOLEAN, /* true or false, no other words */
	IOV_SCHEMA_LIST,    /* of `item`; never empty, no text twice unless it `repeats` */
	IOV_SCHEMA_MAP,	    /* with the keys of `members`; or with free keys, each an `item` */
};

struct iov_schema {
	const char *key; /* NULL: an item, the root, or the end of `members` */
	enum iov_schema_kind kind;
	bool required;
	bool repeats;			 /* a list whose texts may be there twice: the words of a command */
	const struct iov_format *format; /* of a scalar, or of the free keys of a map; NULL: any */
	const char *const *choices;	 /* the only texts, ended by NULL; NULL: any */
	const struct iov_schema *members;
	const struct iov_schema *item;
	const struct iov_schema *otherwise; /* of a scalar: what may stand there instead, a list or map */
	const char *summary;		    /* one sentence without a full stop, for editors and error texts */
};

/* `path` is for error texts. Gives what the document says as JSON, owned by the caller. */
int iov_schema_convert(struct iov_ctx *ctx, const char *path, const struct iov_schema *schema,
		       const struct iov_node *node, json_t **ret);

/* The schema as JSON Schema (draft 2020-12); owned by the caller; NULL: no memory. */
json_t *iov_schema_describe(const struct iov_schema *schema, const char *title);

#endif
