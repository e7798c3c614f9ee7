#include "check/sources.h"

#include <string.h>

#include "check/dissect.h"
#include "check/lines.h"
#include "util/cleanup.h"

struct iov_sources {
	struct iov_dissected object;
	struct iov_lines *lines;
	struct iov_reach *reach; /* of `program`, for each need */
	char *program;		 /* that was asked about last; NULL: none */
};

void iov_sources_close(struct iov_sources **place)
{
	struct iov_sources *sources = *place;
	*place = NULL;
	if (!sources)
		return;
	free(sources->program);
	free(sources->reach);
	iov_lines_free(sources->lines);
	iov_dissected_release(&sources->object);
	free(sources);
}

int iov_sources_open(struct iov_ctx *ctx, const char *path, struct iov_sources **ret)
{
	iov_auto(iov_sources_close) struct iov_sources *sources = calloc(1, sizeof(*sources));
	if (!sources)
		return iov_oom(ctx);
	struct iov_dissected *object = &sources->object;
	int rc = iov_dissect(ctx, path, object);
	if (!rc)
		rc = iov_lines_new(ctx, &object->code, object->btf, object->ext, &sources->lines);
	if (!rc && !(sources->reach = calloc(object->needs.count + 1, sizeof(*sources->reach))))
		rc = iov_oom(ctx);
	if (!rc)
		*ret = iov_take(sources);
	return rc;
}

/* One program after the other is asked about, with all that it needs. */
static int turn_to(struct iov_ctx *ctx, struct iov_sources *sources, const char *program)
{
	if (sources->program && !strcmp(sources->program, program))
		return IOV_OK;
	free(sources->program);
	sources->program = strdup(program);
	return sources->program ? iov_dissected_reach(ctx, &sources->object, program, sources->reach) : iov_oom(ctx);
}

static uint32_t number_of(const struct iov_needs *needs, const json_t *need)
{
	for (uint32_t i = 0; i < needs->count; i++)
		if (json_equal(needs->items[i].json, need))
			return i;
	return IOV_BYTECODE_NONE;
}

/* The first instruction of the code that asks for it. */
static uint32_t first_asking(const struct iov_dissected *object, uint32_t number)
{
	for (uint32_t at = 0; at < object->code.count; at++)
		if (object->needs.of[at] == number)
			return at;
	return IOV_BYTECODE_NONE;
}

static uint32_t beginning_of(const struct iov_bytecode *code, const char *program)
{
	uint32_t function = program ? iov_bytecode_function(code, program) : IOV_BYTECODE_NONE;
	return function == IOV_BYTECODE_NONE ? IOV_BYTECODE_NONE : code->functions[function].first;
}

int iov_sources_find(struct iov_ctx *ctx, struct iov_sources *sources, const char *program, const json_t *need,
		     json_t **ret)
{
	const struct iov_dissected *object = &sources->object;
	uint32_t number = need ? number_of(&object->needs, need) : IOV_BYTECODE_NONE, at = IOV_BYTECODE_NONE;
	int rc = IOV_OK;
	if (!need)
		at = beginning_of(&object->code, program);
	else if (!program && number != IOV_BYTECODE_NONE)
		at = first_asking(object, number);
	else if (number != IOV_BYTECODE_NONE && !(rc = turn_to(ctx, sources, program)) && sources->reach[number].seen)
		at = sources->reach[number].at;
	*ret = at == IOV_BYTECODE_NONE ? NULL : iov_line_of(sources->lines, at);
	if (!need)
		json_object_del(*ret, "text"); /* of its first statement, which has no part in it */
	return rc;
}
