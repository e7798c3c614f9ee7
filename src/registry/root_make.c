#include "registry/root.h"

#include <stdio.h>
#include <string.h>

#include "registry/clock.h"
#include "util/cleanup.h"

/* The key's id in the document: what signature lines say of it, NAME+HASH. */
static int add_key(struct iov_ctx *ctx, json_t *keys, const struct iov_verifier *verifier, json_t **ret_id)
{
	char id[IOV_KEY_NAME_MAX + 10];
	iov_auto(iov_free_ptr) char *text = iov_verifier_text(verifier);
	snprintf(id, sizeof(id), "%s+%08x", verifier->name, verifier->hash);
	if (!text || json_object_set_new(keys, id, json_string(text)))
		return iov_oom(ctx);
	*ret_id = json_string(id);
	return *ret_id ? IOV_OK : iov_oom(ctx);
}

static json_t *find_rule(json_t *rules, const char *pattern, size_t len)
{
	json_t *rule;
	size_t i;
	json_array_foreach(rules, i, rule) {
		const char *name = json_string_value(json_object_get(rule, "pattern"));
		if (name && strlen(name) == len && !memcmp(name, pattern, len))
			return rule;
	}
	return NULL;
}

static bool has_string(const json_t *array, const char *text)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!strcmp(json_string_value(json_array_get(array, i)), text))
			return true;
	return false;
}

static int allow(struct iov_ctx *ctx, json_t *keys, json_t *rules, const char *pattern, size_t len,
		 const struct iov_verifier *verifier)
{
	iov_auto(iov_json_release) json_t *id = NULL;
	int rc = add_key(ctx, keys, verifier, &id);
	if (rc)
		return rc;
	json_t *rule = find_rule(rules, pattern, len);
	if (!rule) {
		rule = json_pack("{s:[], s:s%, s:i}", "keys", "pattern", pattern, len, "threshold", 1);
		if (!rule || json_array_append_new(rules, rule))
			return iov_oom(ctx);
	}
	json_t *ids = json_object_get(rule, "keys");
	return !has_string(ids, json_string_value(id)) && json_array_append(ids, id) ? iov_oom(ctx) : IOV_OK;
}

/* "PATTERN=VERIFIER-KEY"; neither holds a '=' before the key's base64. */
static int allow_text(struct iov_ctx *ctx, json_t *keys, json_t *rules, const char *text)
{
	const char *equals = strchr(text, '=');
	struct iov_verifier verifier;
	if (!equals || equals == text)
		return iov_error(
			ctx, IOV_E_USAGE,
			"publisher '%s' has not the form PATTERN=VERIFIER-KEY, as in 'flow-*=alice+1234abcd+AQ…'",
			text);
	int rc = iov_verifier_parse(ctx, equals + 1, &verifier);
	return rc ? rc : allow(ctx, keys, rules, text, (size_t)(equals - text), &verifier);
}

static int document(struct iov_ctx *ctx, const struct iov_root_plan *plan, json_t **ret)
{
	char expires[IOV_TIME_SIZE];
	iov_auto(iov_json_release) json_t *keys = json_object(), *rules = json_array(), *id = NULL;
	iov_time_text(plan->expires, expires);
	if (!keys || !rules)
		return iov_oom(ctx);
	int rc = add_key(ctx, keys, &plan->signer->verifier, &id);
	if (!rc)
		rc = allow(ctx, keys, rules, "*", 1, &plan->signer->verifier);
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
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	if (!is_origin(plan->origin))
		return iov_error(
			ctx, IOV_E_USAGE,
			"'%.140s' is no origin; take a name like 'example.org/modules', of letters, digits and ./:_-",
			plan->origin);
	int rc = document(ctx, plan, &json);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(json);
	if (!canonical)
		return iov_oom(ctx);
	iov_buf_printf(&text, "%s\n", canonical);
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	rc = iov_note_make(ctx, text.data, &plan->signer, 1, &note);
	if (rc)
		return rc;

	/* Reading it back finds bad patterns and keys that are there twice before anybody trusts it. */
	struct iov_root *root = NULL;
	rc = iov_root_parse(ctx, "the new root", note.data, note.len, &root);
	if (rc)
		return rc;
	iov_root_free(root);
	iov_buf_release(ret_note);
	*ret_note = note;
	note = (struct iov_buf){0};
	return IOV_OK;
}
