/* Any bytes as a leaf of the log, and as the note that asks for an event: refused with a text, or read; and what was
 * read can go into the log. */
#include <stdlib.h>
#include <string.h>

#include "registry/event.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char manifest[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void check_refused(const struct iov_ctx *ctx)
{
	if (!*iov_error_text(ctx))
		abort();
}

static void try_leaf(struct iov_ctx *ctx, const char *data, size_t size)
{
	iov_auto(iov_leaf_release) struct iov_leaf event = {.json = NULL};
	if (iov_leaf_parse(ctx, "leaf", data, size, &event))
		check_refused(ctx);
	else if (event.class == IOV_LEAF_STATUS ? !event.statement.name : event.statement.json != NULL)
		abort();
}

static void try_note(struct iov_ctx *ctx, const char *data, size_t size)
{
	iov_auto(iov_statement_release) struct iov_statement statement = {.json = NULL};
	iov_auto(iov_leaf_release) struct iov_leaf event = {.json = NULL};
	iov_auto(iov_json_release) json_t *line = json_object();
	iov_auto(iov_free_ptr) char *leaf = NULL;
	if (iov_statement_parse(ctx, "note", data, size, &statement)) {
		check_refused(ctx);
		return;
	}
	if (iov_statement_apply(ctx, &statement, 1, line) || json_object_size(line) != 1)
		abort();
	if (iov_event_status(ctx, &statement, manifest, "2026-11-23T10:00:00Z", &leaf))
		abort();
	if (strlen(leaf) <= IOV_LEAF_MAX && iov_leaf_parse(ctx, "leaf", leaf, strlen(leaf), &event))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	if (iov_ctx_new(NULL, &ctx))
		abort();
	try_leaf(ctx, (const char *)data, size);
	try_note(ctx, (const char *)data, size);
	iov_ctx_free(ctx);
	return 0;
}
