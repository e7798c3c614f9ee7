#include "serve/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/range.h"
#include "serve/tree.h"

#define CHUNK (64u << 10) /* bytes given out at a time */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
	if (!response)
		return MHD_NO;
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
	if (response && status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return reply(connection, status, response);
}

/* ---- the bytes of a file, while they go out ---- */

struct body {
	struct serve_file file;
	struct serve_range range;
};

static ssize_t read_body(void *cookie, uint64_t at, char *to, size_t room)
{
	const struct body *body = cookie;
	if (at >= body->range.count)
		return MHD_CONTENT_READER_END_OF_STREAM;
	uint64_t left = body->range.count - at;
	size_t len = left < room ? (size_t)left : room;
	memcpy(to, (const char *)git_blob_rawcontent(body->file.blob) + body->range.from + at, len);
	return (ssize_t)len;
}

static void free_body(void *cookie)
{
	struct body *body = cookie;
	serve_file_release(&body->file);
	free(body);
}

/* Takes the file over. */
static struct MHD_Response *response_of(struct serve_file *file, const struct serve_range *range)
{
	struct body *body = malloc(sizeof(*body));
	if (!body) {
		serve_file_release(file);
		return NULL;
	}
	*body = (struct body){.file = *file, .range = *range};
	*file = (struct serve_file){.blob = NULL};
	struct MHD_Response *response =
		MHD_create_response_from_callback(range->count, CHUNK, read_body, body, free_body);
	if (!response)
		free_body(body);
	return response;
}

/* ---- what is asked for ---- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static bool has_it(struct MHD_Connection *connection, const struct serve_file *file)
{
	const char *known = header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
	return known && (!strcmp(known, "*") || strstr(known, file->etag));
}

/* A part of what the client began to read is of no use when the file is another by now. */
static enum serve_range_kind part_of(struct MHD_Connection *connection, const struct serve_file *file, uint64_t size,
				     struct serve_range *ret)
{
	const char *same = header(connection, MHD_HTTP_HEADER_IF_RANGE);
	if (!file->archive || (same && strcmp(same, file->etag) != 0))
		return SERVE_WHOLE;
	return serve_range_parse(header(connection, MHD_HTTP_HEADER_RANGE), size, ret);
}

static void describe(struct MHD_Response *response, const struct serve_file *file)
{
	MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, file->etag);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, file->caching);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
	if (file->archive)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
}

static enum MHD_Result give(struct MHD_Connection *connection, struct serve_file *file)
{
	char text[96];
	uint64_t size = (uint64_t)git_blob_rawsize(file->blob);
	struct serve_range range = {0, size};
	struct serve_file kept = *file; /* its texts, for the headers */
	enum serve_range_kind kind = part_of(connection, file, size, &range);
	bool known = has_it(connection, file);
	if (known || kind == SERVE_OUTSIDE)
		range.count = 0;
	struct MHD_Response *response = response_of(file, &range);
	if (!response)
		return MHD_NO;
	describe(response, &kept);
	if (known)
		return reply(connection, MHD_HTTP_NOT_MODIFIED, response);
	if (kind == SERVE_WHOLE)
		return reply(connection, MHD_HTTP_OK, response);
	if (kind == SERVE_PART)
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.from,
			 range.from + range.count - 1, size);
	else
		snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
	return reply(connection, kind == SERVE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_RANGE_NOT_SATISFIABLE,
		     response);
}

enum MHD_Result serve_answer(void *cookie, struct MHD_Connection *connection, const char *url, const char *method,
			     const char *version, const char *upload, size_t *upload_size, void **request)
{
	static int seen;
	struct serve_file file = {.blob = NULL};
	(void)version;
	(void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "this server is for reading\n");
	if (!*request) { /* the headers are there, a body may follow */
		*request = &seen;
		return MHD_YES;
	}
	if (*upload_size)
		return MHD_NO;
	if (*url != '/' || !serve_find(cookie, url + 1, &file))
		return say(connection, MHD_HTTP_NOT_FOUND, "the registry has no such file\n");
	return give(connection, &file);
}
