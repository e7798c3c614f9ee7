#include "check/lack.h"

#include <stdio.h>
#include <string.h>

#include "check/against.h"
#include "util/cleanup.h"

static const char *member(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static bool is(const json_t *reason, const char *key, const char *value)
{
	const char *text = member(reason, key);
	return text && !strcmp(text, value);
}

/* A no that stands as the release is used. */
static bool counts(const json_t *reason)
{
	return is(reason, "verdict", iov_verdict_word(IOV_FAILS)) && !json_is_false(json_object_get(reason, "counts"));
}

/* "6.10" is later than "6.6"; no version is earlier than all. */
static bool is_later(const char *since, const char *other)
{
	unsigned major = 0, minor = 0, other_major = 0, other_minor = 0;
	if (since)
		sscanf(since, "%u.%u", &major, &minor);
	if (other)
		sscanf(other, "%u.%u", &other_major, &other_minor);
	return major > other_major || (major == other_major && minor > other_minor);
}

static const json_t *latest(const json_t *reasons)
{
	const json_t *found = NULL;
	size_t i;
	json_t *reason;
	json_array_foreach(reasons, i, reason) {
		if (counts(reason) && (!found || is_later(member(reason, "since"), member(found, "since"))))
			found = reason;
	}
	return found;
}

/* What stands after "needs". */
static json_t *sentence(const json_t *reason, const char *kernel)
{
	const char *missing = member(reason, "missing"), *what = member(reason, "what"),
		   *since = member(reason, "since"), *type = member(reason, "type");
	if (!strcmp(missing, "license"))
		return json_sprintf("a GPL-compatible SEC(\"license\") for '%s'", what);
	return json_sprintf("%s '%s', which kernel %s does not have%s%s%s%s%s", missing, what, kernel,
			    type ? " for programs of type " : "", type ? type : "", since ? " (Linux " : "",
			    since ? since : "", since ? " brought it)" : "");
}

static json_t *lack_of(const json_t *reason, const char *kernel)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:o}", "kernel", kernel, "missing", member(reason, "missing"), "what",
			 member(reason, "what"), "since", member(reason, "since"), "text", sentence(reason, kernel));
}

int iov_lack_find(struct iov_ctx *ctx, const struct iov_release *release, const struct iov_kernel *kernel, json_t **ret)
{
	iov_auto(iov_json_release) json_t *answer = NULL;
	enum iov_verdict verdict = IOV_LOADS;
	int rc = iov_check_against(ctx, release->object, release->manifest, kernel, NULL, &verdict, &answer);
	if (rc)
		return rc;
	const json_t *reason = verdict == IOV_FAILS ? latest(json_object_get(answer, "reasons")) : NULL;
	json_t *lack = reason ? lack_of(reason, kernel->name) : json_null();
	if (!lack)
		return iov_oom(ctx);
	*ret = lack;
	return IOV_OK;
}

bool iov_lack_from_json(const json_t *json, struct iov_lack *ret)
{
	*ret = (struct iov_lack){.kernel = member(json, "kernel"),
				 .missing = member(json, "missing"),
				 .what = member(json, "what"),
				 .since = member(json, "since"),
				 .text = member(json, "text")};
	return ret->kernel && ret->missing && ret->what && ret->text;
}
