#include "registry/root_edit.h"

#include <stdio.h>
#include <string.h>

#include "registry/clock.h"
#include "registry/root_json.h"
#include "util/cleanup.h"

/* The document that is being changed; all but `json` is borrowed from it. */
struct draft {
	const struct iov_root *root;
	const struct iov_root_edit *edit;
	json_t *json;
	json_t *keys, *roles, *rules, *retired;
};

static void draft_release(struct draft *draft)
{
	json_decref(draft->json);
}

static int begin(struct iov_ctx *ctx, struct draft *draft)
{
	char expires[IOV_TIME_SIZE];
	json_t *json = draft->json = json_deep_copy(draft->root->json);
	iov_time_text(draft->edit->expires, expires);
	if (!json || json_object_set_new(json, "version", json_integer((json_int_t)draft->root->version + 1)) ||
	    json_object_set_new(json, "expires", json_string(expires)))
		return iov_oom(ctx);
	json_object_del(json, "resume");
	if (!json_object_get(json, "retired") && json_object_set_new(json, "retired", json_array()))
		return iov_oom(ctx);
	draft->keys = json_object_get(json, "keys");
	draft->roles = json_object_get(json, "roles");
	draft->rules = json_object_get(json, "publishers");
	draft->retired = json_object_get(json, "retired");
	return IOV_OK;
}

static int set_threshold(struct iov_ctx *ctx, json_t *role, const char *what, size_t threshold)
{
	json_int_t now = threshold ? (json_int_t)threshold : json_integer_value(json_object_get(role, "threshold"));
	size_t count = json_array_size(json_object_get(role, "keys"));
	if (now < 1 || (size_t)now > count)
		return iov_error(ctx, IOV_E_USAGE,
				 "%s would have %zu keys and need %lld signatures; add keys, or give another threshold",
				 what, count, (long long)now);
	return json_object_set_new(role, "threshold", json_integer(now)) ? iov_oom(ctx) : IOV_OK;
}

/* A stolen key must not come back, under no name and in no role. */
static int check_not_leaked(struct iov_ctx *ctx, const struct draft *draft, const struct iov_verifier *key)
{
	const struct iov_root *root = draft->root;
	for (size_t i = 0; i < root->n_retired; i++) {
		const struct iov_retired *entry = &root->retired[i];
		if (entry->leaked && !memcmp(entry->key.key, key->key, sizeof(key->key)))
			return iov_error(ctx, IOV_E_CONFLICT,
					 "key '%s' leaked: an earlier root revoked it for '%s' from log entry %llu on, "
					 "so it gets no say again (stolen key); make a new one with 'iovpkg key "
					 "generate', and name that",
					 key->name, entry->pattern, (unsigned long long)entry->log_size);
	}
	return IOV_OK;
}

/* ---- roles ---- */

static int add_root_key(struct iov_ctx *ctx, struct draft *draft, json_t *ids, const struct iov_verifier *key)
{
	iov_auto(iov_json_release) json_t *id = NULL;
	int rc = check_not_leaked(ctx, draft, key);
	if (!rc)
		rc = iov_root_json_key(ctx, draft->keys, key, &id);
	if (rc)
		return rc;
	if (iov_role_has(&draft->root->root, key))
		return iov_error(ctx, IOV_E_CONFLICT, "'%s' is a root key of root %llu already", key->name,
				 (unsigned long long)draft->root->version);
	return json_array_append(ids, id) ? iov_oom(ctx) : IOV_OK;
}

static int remove_root_key(struct iov_ctx *ctx, struct draft *draft, json_t *ids, const struct iov_verifier *key)
{
	iov_auto(iov_json_release) json_t *id = NULL;
	int rc = iov_root_json_key(ctx, draft->keys, key, &id);
	if (!rc && !iov_root_json_drop(ids, id))
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "'%s' is no root key of root %llu; 'iovpkg registry root show' lists them", key->name,
				 (unsigned long long)draft->root->version);
	return rc;
}

static int edit_root_role(struct iov_ctx *ctx, struct draft *draft)
{
	const struct iov_root_edit *edit = draft->edit;
	json_t *role = json_object_get(draft->roles, "root");
	json_t *ids = json_object_get(role, "keys");
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < edit->add_root.count; i++)
		rc = add_root_key(ctx, draft, ids, &edit->add_root.items[i]);
	for (size_t i = 0; !rc && i < edit->remove_root.count; i++)
		rc = remove_root_key(ctx, draft, ids, &edit->remove_root.items[i]);
	return rc ? rc : set_threshold(ctx, role, "the root", edit->root_threshold);
}

/* One host signs a registry's heads, so one signature is what they have. */
static int edit_registry_role(struct iov_ctx *ctx, struct draft *draft)
{
	const struct iov_keys *keys = &draft->edit->registry;
	json_t *role = json_object_get(draft->roles, "registry");
	json_t *ids = json_object_get(role, "keys");
	int rc = IOV_OK;
	if (!keys->count)
		return IOV_OK;
	json_array_clear(ids);
	for (size_t i = 0; !rc && i < keys->count; i++) {
		iov_auto(iov_json_release) json_t *id = NULL;
		rc = check_not_leaked(ctx, draft, &keys->items[i]);
		if (!rc)
			rc = iov_root_json_key(ctx, draft->keys, &keys->items[i], &id);
		if (!rc && json_array_append(ids, id))
			rc = iov_oom(ctx);
	}
	return rc ? rc : set_threshold(ctx, role, "the registry", 1);
}

/* ---- publishers ---- */

static int allow(struct iov_ctx *ctx, struct draft *draft, const struct iov_root_rule *rule)
{
	bool is_new = false;
	if (!iov_is_pattern(rule->pattern))
		return iov_error(ctx, IOV_E_USAGE,
				 "'%.80s' is no name pattern; it is '*', a name, or the beginning of one and '*'",
				 rule->pattern);
	int rc = check_not_leaked(ctx, draft, &rule->key);
	if (!rc)
		rc = iov_root_json_allow(ctx, draft->keys, draft->rules, rule->pattern, &rule->key, &is_new);
	if (!rc && !is_new)
		return iov_error(ctx, IOV_E_CONFLICT, "'%s' may publish '%s' already", rule->key.name, rule->pattern);
	return rc;
}

/* A key that was retired before may turn out to have leaked. */
static bool is_retired(const struct draft *draft, const struct iov_root_rule *rule)
{
	const struct iov_root *root = draft->root;
	for (size_t i = 0; i < root->n_retired; i++)
		if (!memcmp(root->retired[i].key.key, rule->key.key, sizeof(rule->key.key)) &&
		    iov_pattern_fit(rule->pattern, root->retired[i].pattern) >= 0)
			return true;
	return false;
}

static int forbid(struct iov_ctx *ctx, struct draft *draft, const struct iov_root_rule *rule)
{
	iov_auto(iov_json_release) json_t *id = NULL;
	json_t *here = iov_root_json_rule(draft->rules, rule->pattern);
	int rc = iov_root_json_key(ctx, draft->keys, &rule->key, &id);
	if (rc || (here && iov_root_json_drop(json_object_get(here, "keys"), id)))
		return rc;
	if (draft->edit->since && is_retired(draft, rule))
		return IOV_OK;
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "'%s' may not publish '%s' by root %llu, so there is nothing to take away; 'iovpkg registry "
			 "root show' lists who may",
			 rule->key.name, rule->pattern, (unsigned long long)draft->root->version);
}

static int check_rules(struct iov_ctx *ctx, struct draft *draft)
{
	for (size_t i = json_array_size(draft->rules); i-- > 0;) {
		char what[IOV_ROOT_PATH_MAX + 80];
		json_t *rule = json_array_get(draft->rules, i);
		if (!json_array_size(json_object_get(rule, "keys"))) {
			json_array_remove(draft->rules, i);
			continue;
		}
		snprintf(what, sizeof(what), "pattern '%s'", json_string_value(json_object_get(rule, "pattern")));
		int rc = set_threshold(ctx, rule, what, 0);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int edit_rules(struct iov_ctx *ctx, struct draft *draft)
{
	const struct iov_root_edit *edit = draft->edit;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < edit->allow.count; i++)
		rc = allow(ctx, draft, &edit->allow.items[i]);
	for (size_t i = 0; !rc && i < edit->forbid.count; i++)
		rc = forbid(ctx, draft, &edit->forbid.items[i]);
	for (size_t i = 0; !rc && i < edit->thresholds.count; i++) {
		const struct iov_root_rule *wish = &edit->thresholds.items[i];
		json_t *rule = iov_root_json_rule(draft->rules, wish->pattern);
		if (!rule)
			return iov_error(
				ctx, IOV_E_NOT_FOUND,
				"nobody may publish '%s' by itself, so it has no threshold; name a publisher too",
				wish->pattern);
		if (json_object_set_new(rule, "threshold", json_integer((json_int_t)wish->threshold)))
			return iov_oom(ctx);
	}
	return rc ? rc : check_rules(ctx, draft);
}

/* ---- those who have no say any more ---- */

static bool is_forbidden(const struct draft *draft, const uint8_t key[32], const char *pattern)
{
	const struct iov_rules *forbid = &draft->edit->forbid;
	for (size_t i = 0; i < forbid->count; i++)
		if (!memcmp(forbid->items[i].key.key, key, 32) &&
		    iov_pattern_fit(forbid->items[i].pattern, pattern) >= 0)
			return true;
	return false;
}

static bool is_leaked(const struct draft *draft, const uint8_t key[32], const char *pattern)
{
	return draft->edit->since && is_forbidden(draft, key, pattern);
}

static int mark_leaked(struct iov_ctx *ctx, json_t *entry)
{
	return json_object_set_new(entry, "leaked", json_true()) ? iov_oom(ctx) : IOV_OK;
}

/* Entries that are there already end earlier too. */
static int cap_retired(struct iov_ctx *ctx, struct draft *draft)
{
	const struct iov_root *root = draft->root;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < root->n_retired; i++) {
		const struct iov_retired *old = &root->retired[i];
		json_t *entry = json_array_get(draft->retired, i);
		if (!is_leaked(draft, old->key.key, old->pattern))
			continue;
		rc = mark_leaked(ctx, entry);
		if (!rc && old->log_size > *draft->edit->since &&
		    json_object_set_new(entry, "log_size", json_integer((json_int_t)*draft->edit->since)))
			rc = iov_oom(ctx);
	}
	return rc;
}

static json_t *find_retired(const struct draft *draft, const json_t *id, const char *pattern, size_t threshold)
{
	for (size_t i = 0; i < json_array_size(draft->retired); i++) {
		json_t *entry = json_array_get(draft->retired, i);
		if (json_equal(json_object_get(entry, "key"), id) &&
		    !strcmp(json_string_value(json_object_get(entry, "pattern")), pattern) &&
		    json_integer_value(json_object_get(entry, "threshold")) == (json_int_t)threshold)
			return entry;
	}
	return NULL;
}

static int retire(struct iov_ctx *ctx, struct draft *draft, const char *pattern, const struct iov_role *role,
		  const struct iov_verifier *key)
{
	iov_auto(iov_json_release) json_t *id = NULL;
	bool leaked = is_leaked(draft, key->key, pattern);
	uint64_t size = leaked ? *draft->edit->since : draft->edit->log_size;
	int rc = iov_root_json_key(ctx, draft->keys, key, &id);
	if (rc)
		return rc;
	json_t *entry = find_retired(draft, id, pattern, role->threshold);
	if (!entry) {
		entry = json_pack("{s:O, s:I, s:s, s:I}", "key", id, "log_size", (json_int_t)size, "pattern", pattern,
				  "threshold", (json_int_t)role->threshold);
		if (json_array_append_new(draft->retired, entry))
			return iov_oom(ctx);
		return leaked ? mark_leaked(ctx, entry) : IOV_OK;
	}
	/* What a leak took away does not come back by a later root. */
	if (json_is_true(json_object_get(entry, "leaked")) ||
	    (json_int_t)size <= json_integer_value(json_object_get(entry, "log_size")))
		return IOV_OK;
	return json_object_set_new(entry, "log_size", json_integer((json_int_t)size)) ? iov_oom(ctx) : IOV_OK;
}

/* Who decided over a pattern's names before and no longer does, or now needs more others. */
static int retire_under(struct iov_ctx *ctx, struct draft *draft, const struct iov_root *next, const char *pattern)
{
	const struct iov_role *old = iov_root_publishers(draft->root, pattern);
	const struct iov_role *new = iov_root_publishers(next, pattern);
	int rc = IOV_OK;
	for (size_t i = 0; old && !rc && i < old->n_keys; i++)
		if (!iov_role_has(new, &old->keys[i]) || new->threshold > old->threshold)
			rc = retire(ctx, draft, pattern, old, &old->keys[i]);
	return rc;
}

static int retire_all(struct iov_ctx *ctx, struct draft *draft)
{
	struct iov_root *next = NULL;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	int rc = iov_root_json_text(ctx, draft->json, &text);
	if (!rc)
		rc = iov_root_parse_prepared(ctx, "the new root", text.data, text.len, &next);
	if (!rc)
		rc = cap_retired(ctx, draft);
	for (size_t i = 0; !rc && i < draft->root->n_publishers; i++)
		rc = retire_under(ctx, draft, next, draft->root->publishers[i].pattern);
	for (size_t i = 0; !rc && i < next->n_publishers; i++)
		rc = retire_under(ctx, draft, next, next->publishers[i].pattern);
	iov_root_free(next);
	return rc;
}

/* ---- the rest ---- */

static int set_resume(struct iov_ctx *ctx, struct draft *draft)
{
	const struct iov_head *head = draft->edit->resume;
	char log_root[IOV_HEX_SIZE];
	if (!head)
		return IOV_OK;
	iov_hex(head->log_root.bytes, sizeof(head->log_root.bytes), log_root);
	json_t *resume = json_pack("{s:s, s:I}", "log_root", log_root, "log_size", (json_int_t)head->log_size);
	return json_object_set_new(draft->json, "resume", resume) ? iov_oom(ctx) : IOV_OK;
}

static bool is_named(const struct draft *draft, const json_t *id)
{
	const char *role;
	json_t *one;
	size_t i;
	json_object_foreach(draft->roles, role, one) {
		if (iov_root_json_has(json_object_get(one, "keys"), id))
			return true;
	}
	json_array_foreach(draft->rules, i, one) {
		if (iov_root_json_has(json_object_get(one, "keys"), id))
			return true;
	}
	json_array_foreach(draft->retired, i, one) {
		if (json_equal(json_object_get(one, "key"), id))
			return true;
	}
	return false;
}

static int drop_unnamed_keys(struct iov_ctx *ctx, struct draft *draft)
{
	const char *id;
	json_t *text;
	void *next;
	json_object_foreach_safe(draft->keys, next, id, text)
	{
		iov_auto(iov_json_release) json_t *name = json_string(id);
		if (!name)
			return iov_oom(ctx);
		if (!is_named(draft, name))
			json_object_del(draft->keys, id);
	}
	if (!json_array_size(draft->retired))
		json_object_del(draft->json, "retired");
	return IOV_OK;
}

static int check_since(struct iov_ctx *ctx, const struct iov_root_edit *edit)
{
	if (!edit->since || *edit->since <= edit->log_size)
		return IOV_OK;
	return iov_error(ctx, IOV_E_USAGE, "the log has %llu entries, so nothing can be refused from entry %llu on",
			 (unsigned long long)edit->log_size, (unsigned long long)*edit->since);
}

int iov_root_edit(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root_edit *edit,
		  struct iov_buf *ret_note)
{
	iov_auto(draft_release) struct draft draft = {.root = root, .edit = edit};
	int rc = check_since(ctx, edit);
	if (!rc)
		rc = begin(ctx, &draft);
	if (!rc)
		rc = edit_root_role(ctx, &draft);
	if (!rc)
		rc = edit_registry_role(ctx, &draft);
	if (!rc)
		rc = edit_rules(ctx, &draft);
	if (!rc)
		rc = retire_all(ctx, &draft);
	if (!rc)
		rc = set_resume(ctx, &draft);
	if (!rc)
		rc = drop_unnamed_keys(ctx, &draft);
	return rc ? rc : iov_root_json_text(ctx, draft.json, ret_note);
}
