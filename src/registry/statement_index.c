/* What a statement does to the lines of an index file. */
#include "registry/statement.h"

#include <string.h>

#include "core/status.h"
#include "registry/listing.h"
#include "util/cleanup.h"

bool iov_statement_names(const struct iov_statement *statement, const struct iov_release *release)
{
	if (strcmp(release->manifest->name, statement->name) != 0)
		return false;
	for (size_t i = 0; i < json_array_size(statement->versions); i++)
		if (!strcmp(json_string_value(json_array_get(statement->versions, i)), release->manifest->version.text))
			return true;
	return false;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool iov_statement_holds(const struct iov_statement *statement, const struct iov_release *release)
{
	if (!strcmp(statement->kind->member, "yanked"))
		return statement->text ? release->yanked != NULL : !release->yanked;
	return same_text(statement->text, release->deprecated) && same_text(statement->successor, release->successor);
}

int iov_statement_apply(struct iov_ctx *ctx, const struct iov_statement *statement, uint64_t log, json_t *line)
{
	json_t *status = json_pack("{s:I}", "log", (json_int_t)log);
	if (statement->text)
		json_object_set_new(status, statement->kind->text, json_string(statement->text));
	if (statement->successor)
		json_object_set_new(status, "successor", json_string(statement->successor));
	return json_object_set_new(line, statement->kind->member, status) ? iov_oom(ctx) : IOV_OK;
}

static void drop_release(struct iov_release **release)
{
	iov_release_free(*release);
}

static int rewrite_line(struct iov_ctx *ctx, const struct iov_statement *statement, uint64_t log, const char *line,
			size_t len, struct iov_buf *ret, struct iov_restated *before)
{
	iov_auto(iov_json_release) json_t *json = NULL;
	iov_auto(drop_release) struct iov_release *release = NULL;
	iov_auto(iov_free_ptr) char *text = NULL;
	int rc = iov_json_parse(ctx, "index line", line, len, IOV_INDEX_LINE_MAX, &json);
	if (!rc)
		rc = iov_release_from_json(ctx, json, &release);
	if (rc == IOV_E_UNSUPPORTED || (!rc && !iov_statement_names(statement, release))) {
		iov_buf_add(ret, line, len);
		return IOV_OK;
	}
	if (!rc) {
		uint64_t newest = iov_release_newest_event(release);
		before->count++;
		before->newest = newest > before->newest ? newest : before->newest;
		rc = iov_statement_apply(ctx, statement, log, json);
	}
	if (rc)
		return rc;
	text = iov_json_canonical(json);
	if (!text)
		return iov_oom(ctx);
	if (strlen(text) > IOV_INDEX_LINE_MAX)
		return iov_error(ctx, IOV_E_INPUT,
				 "the index line of '%s' would be longer than %u KiB; shorten the text",
				 statement->name, IOV_INDEX_LINE_MAX >> 10);
	iov_buf_puts(ret, text);
	return IOV_OK;
}

int iov_statement_rewrite(struct iov_ctx *ctx, const struct iov_statement *statement, uint64_t log, const char *index,
			  size_t len, struct iov_buf *ret, struct iov_restated *ret_before)
{
	int rc = IOV_OK;
	struct iov_restated before = {.count = 0};
	for (const char *at = index, *end = index + len; !rc && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = newline ? (size_t)(newline - at) : (size_t)(end - at);
		rc = rewrite_line(ctx, statement, log, at, line, ret, &before);
		iov_buf_puts(ret, "\n");
		at += line + 1;
	}
	if (!rc && ret->len > IOV_INDEX_MAX)
		return iov_error(ctx, IOV_E_INPUT, "the index of '%s' would have more than its %u MiB", statement->name,
				 IOV_INDEX_MAX >> 20);
	if (ret_before)
		*ret_before = before;
	return rc ? rc : iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}
