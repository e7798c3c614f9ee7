#include <string.h>

#include "registry/clock.h"
#include "registry/root_json.h"
#include "util/cleanup.h"

/* "PATTERN=VERIFIER-KEY"; neither holds a '=' before the key's base64. */
static int allow_text(struct iov_ctx *ctx, json_t *keys, json_t *rules, const char *text)
{
	bool is_new;
	const char *equals = strchr(text, '=');
	struct iov_verifier verifier;
	if (!equals || equals == text)
		return iov_error(
			ctx, IOV_E_USAGE,
			"publisher '%s' has not the form PATTERN=VERIFIER-KEY, as in 'flow-*=alice+1234abcd+AQ…'",
			text);
	iov_auto(iov_free_ptr) char *pattern = strndup(text, (size_t)(equals - text));
	if (!pattern)
		return iov_oom(ctx);
	int rc = iov_verifier_parse(ctx, equals + 1, &verifier);
	return rc ? rc : iov_root_json_allow(ctx, keys, rules, pattern, &verifier, &is_new);
}

static int document(struct iov_ctx *ctx, const struct iov_root_plan *plan, json_t **ret)
{
	char expires[IOV_TIME_SIZE];
	iov_auto(iov_json_release) json_t *keys = json_object(), *rules = json_array(), *id = NULL;
	iov_time_text(plan->expires, expires);
	if (!keys || !rules)
		return iov_oom(ctx);
	bool is_new;
	int rc = iov_root_json_key(ctx, keys, &plan->signer->verifier, &id);
	if (!rc)
		rc = iov_root_json_allow(ctx, keys, rules, "*", &plan->signer->verifier, &is_new);
	for (size_t i = 0; !rc && i < plan->n_publishers; i++)
		rc = allow_text(ctx, keys, rules, plan->publishers[i]);
	if (rc)
		return rc;
	*ret = json_pack("{s:s, s:O, s:s, s:s, s:O, s:{s:{s:[O], s:i}, s:{s:[O], s:i}}, s:i, s:i}", "expires", expires,
			 "keys", keys, "kind", "root", "origin", plan->origin, "publishers", rules, "roles", "registry",
			 "keys", id, "threshold", 1, "root", "keys", id, "threshold", 1, "schema", 1, "version", 1);
	return *ret ? IOV_OK : iov_oom(ctx);
}

/* Narrower than what readers accept, so that it needs no quoting anywhere. */
static bool is_origin(const char *origin)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./:_-";
	return iov_is_key_name(origin) && strspn(origin, allowed) == strlen(origin);
}

int iov_root_make(struct iov_ctx *ctx, const struct iov_root_plan *plan, struct iov_buf *ret_note)
{
	iov_auto(iov_json_release) json_t *json = NULL;
	iov_auto(iov_buf_release) struct iov_buf prepared = {0};
	bool again;
	if (!is_origin(plan->origin))
		return iov_error(
			ctx, IOV_E_USAGE,
			"'%.140s' is no origin; take a name like 'example.org/modules', of letters, digits and ./:_-",
			plan->origin);
	int rc = document(ctx, plan, &json);
	if (!rc)
		rc = iov_root_json_text(ctx, json, &prepared);
	return rc ? rc
		  : iov_note_cosign(ctx, "the new root", prepared.data, prepared.len, plan->signer, ret_note, &again);
}
