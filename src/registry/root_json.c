#include "registry/root_json.h"

#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

int iov_root_json_key(struct iov_ctx *ctx, json_t *keys, const struct iov_verifier *verifier, json_t **ret_id)
{
	char id[IOV_KEY_NAME_MAX + 10];
	iov_auto(iov_free_ptr) char *text = iov_verifier_text(verifier);
	snprintf(id, sizeof(id), "%s+%08x", verifier->name, verifier->hash);
	if (!text || json_object_set_new(keys, id, json_string(text)))
		return iov_oom(ctx);
	*ret_id = json_string(id);
	return *ret_id ? IOV_OK : iov_oom(ctx);
}

json_t *iov_root_json_rule(const json_t *rules, const char *pattern)
{
	for (size_t i = 0; i < json_array_size(rules); i++) {
		json_t *rule = json_array_get(rules, i);
		const char *here = json_string_value(json_object_get(rule, "pattern"));
		if (here && !strcmp(here, pattern))
			return rule;
	}
	return NULL;
}

bool iov_root_json_has(const json_t *ids, const json_t *id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (json_equal(json_array_get(ids, i), id))
			return true;
	return false;
}

bool iov_root_json_drop(json_t *ids, const json_t *id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (json_equal(json_array_get(ids, i), id))
			return !json_array_remove(ids, i);
	return false;
}

int iov_root_json_allow(struct iov_ctx *ctx, json_t *keys, json_t *rules, const char *pattern,
			const struct iov_verifier *verifier, bool *ret_new)
{
	iov_auto(iov_json_release) json_t *id = NULL;
	int rc = iov_root_json_key(ctx, keys, verifier, &id);
	if (rc)
		return rc;
	json_t *rule = iov_root_json_rule(rules, pattern);
	if (!rule) {
		rule = json_pack("{s:[], s:s, s:i}", "keys", "pattern", pattern, "threshold", 1);
		if (!rule || json_array_append_new(rules, rule))
			return iov_oom(ctx);
	}
	json_t *ids = json_object_get(rule, "keys");
	*ret_new = !iov_root_json_has(ids, id);
	return *ret_new && json_array_append(ids, id) ? iov_oom(ctx) : IOV_OK;
}

/* Reading it back finds bad patterns, thresholds and keys that are there twice before anybody signs it. */
int iov_root_json_text(struct iov_ctx *ctx, const json_t *document, struct iov_buf *ret)
{
	struct iov_root *root = NULL;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(document);
	if (!canonical)
		return iov_oom(ctx);
	iov_buf_printf(&text, "%s\n\n", canonical);
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	int rc = iov_root_parse_prepared(ctx, "the new root", text.data, text.len, &root);
	iov_root_free(root);
	if (rc)
		return rc;
	*ret = text;
	text = (struct iov_buf){0};
	return IOV_OK;
}
