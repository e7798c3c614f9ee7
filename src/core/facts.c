#include "core/facts.h"

#include <string.h>

#define WHAT "facts of the object"

static int wrong(struct iov_ctx *ctx, const char *why)
{
	return iov_error(ctx, IOV_E_INPUT, WHAT ": %s; a newer iovpkg may have written them", why);
}

/* What a need is, is told by the one of these members that it has. */
static const char *const kinds[] = {"helper", "kfunc", "ksym", "config", "relocation"};

const char *iov_facts_kind(const json_t *need)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (json_is_string(json_object_get(need, kinds[i])))
			return kinds[i];
	return NULL;
}

static int check_need(struct iov_ctx *ctx, const json_t *need)
{
	static const char *const texts[] = {"type", "field", "is", "enumerator"};
	const char *kind = iov_facts_kind(need);
	if (!kind)
		return wrong(ctx, "a need is of a kind that is not known");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const json_t *text = json_object_get(need, texts[i]);
		if (text && !json_is_string(text))
			return wrong(ctx, "a member of a need is not a string");
	}
	if (!strcmp(kind, "relocation") && !json_is_string(json_object_get(need, "type")))
		return wrong(ctx, "a relocation has no type");
	return IOV_OK;
}

/* A list of numbers of needs; it may be absent. */
static int check_numbers(struct iov_ctx *ctx, const json_t *list, size_t needs)
{
	size_t i;
	json_t *number;
	if (list && !json_is_array(list))
		return wrong(ctx, "a list of needs is none");
	json_array_foreach(list, i, number) {
		if (!json_is_integer(number) || json_integer_value(number) < 0 ||
		    (size_t)json_integer_value(number) >= needs)
			return wrong(ctx, "a number names no need");
	}
	return IOV_OK;
}

static int check_guarded(struct iov_ctx *ctx, const json_t *list, size_t needs)
{
	size_t i;
	json_t *one;
	if (list && !json_is_array(list))
		return wrong(ctx, "'guarded' is not a list");
	json_array_foreach(list, i, one) {
		const json_t *number = json_object_get(one, "need");
		if (!json_is_integer(number) || json_integer_value(number) < 0 ||
		    (size_t)json_integer_value(number) >= needs)
			return wrong(ctx, "a number names no need");
		if (check_numbers(ctx, json_object_get(one, "absent"), needs) ||
		    check_numbers(ctx, json_object_get(one, "present"), needs))
			return (int)iov_error_code(ctx);
	}
	return IOV_OK;
}

static int check_programs(struct iov_ctx *ctx, const json_t *group, size_t needs)
{
	const char *name;
	json_t *target;
	const json_t *names = json_object_get(group, "names"), *attach = json_object_get(group, "attach");
	if (!json_is_object(names) || (attach && !json_is_string(attach)))
		return wrong(ctx, "a group of programs has no names");
	json_object_foreach((json_t *)names, name, target) {
		if (!json_is_string(target))
			return wrong(ctx, "the target of a program is not a string");
	}
	int rc = check_numbers(ctx, json_object_get(group, "always"), needs);
	if (!rc)
		rc = check_numbers(ctx, json_object_get(group, "sometimes"), needs);
	return rc ? rc : check_guarded(ctx, json_object_get(group, "guarded"), needs);
}

int iov_facts_check(struct iov_ctx *ctx, const json_t *facts)
{
	json_t *needs = NULL, *programs = NULL, *item;
	size_t i;
	int rc = iov_json_get_array(ctx, WHAT, facts, "needs", &needs);
	if (!rc)
		rc = iov_json_get_array(ctx, WHAT, facts, "programs", &programs);
	if (rc)
		return rc;
	if (json_array_size(needs) > IOV_FACTS_NEEDS || json_array_size(programs) > IOV_FACTS_PROGRAMS)
		return wrong(ctx, "there are too many");
	json_array_foreach(needs, i, item) {
		if ((rc = check_need(ctx, item)))
			return rc;
	}
	json_array_foreach(programs, i, item) {
		if ((rc = check_programs(ctx, item, json_array_size(needs))))
			return rc;
	}
	return IOV_OK;
}
