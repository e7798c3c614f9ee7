/* What a root says, and what it changes, for people and programs to judge before they sign or trust it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "registry/clock.h"
#include "registry/root_edit.h"
#include "util/cleanup.h"

bool iov_role_has(const struct iov_role *role, const struct iov_verifier *key)
{
	for (size_t i = 0; role && i < role->n_keys; i++)
		if (!memcmp(role->keys[i].key, key->key, sizeof(key->key)))
			return true;
	return false;
}

static const struct iov_role *rule_of(const struct iov_root *root, const char *pattern)
{
	for (size_t i = 0; root && i < root->n_publishers; i++)
		if (!strcmp(root->publishers[i].pattern, pattern))
			return &root->publishers[i].role;
	return NULL;
}

/* ---- words ---- */

struct words {
	json_t *list;
	bool failed;
};

static void say(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct words *words, const char *format, ...)
{
	va_list args;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	va_start(args, format);
	iov_buf_vprintf(&text, format, args);
	va_end(args);
	if (iov_buf_failed(&text) || json_array_append_new(words->list, json_string(text.data)))
		words->failed = true;
}

/* A key as people compare it: its name and hash. */
struct key_id {
	char text[IOV_KEY_NAME_MAX + 10];
};

static struct key_id id_of(const struct iov_verifier *key)
{
	struct key_id id;
	snprintf(id.text, sizeof(id.text), "%s+%08x", key->name, key->hash);
	return id;
}

static void say_threshold(struct words *words, const char *what, const struct iov_role *old, const struct iov_role *new)
{
	if (!old)
		say(words, "%s signed by %zu of %zu keys", what, new->threshold, new->n_keys);
	else if (old->threshold != new->threshold || old->n_keys != new->n_keys)
		say(words, "%s signed by %zu of %zu keys, not %zu of %zu", what, new->threshold, new->n_keys,
		    old->threshold, old->n_keys);
}

static void say_role(struct words *words, const char *gains, const char *loses, const struct iov_role *old,
		     const struct iov_role *new)
{
	for (size_t i = 0; i < new->n_keys; i++)
		if (!iov_role_has(old, &new->keys[i]))
			say(words, "%s %s", id_of(&new->keys[i]).text, gains);
	for (size_t i = 0; old && i < old->n_keys; i++)
		if (!iov_role_has(new, &old->keys[i]))
			say(words, "%s %s", id_of(&old->keys[i]).text, loses);
}

static void say_rule(struct words *words, const char *pattern, const struct iov_role *old, const struct iov_role *new)
{
	for (size_t i = 0; new &&i < new->n_keys; i++)
		if (!iov_role_has(old, &new->keys[i]))
			say(words, "%s may publish '%s'", id_of(&new->keys[i]).text, pattern);
	for (size_t i = 0; old && i < old->n_keys; i++)
		if (!iov_role_has(new, &old->keys[i]))
			say(words, "%s may no longer publish '%s'", id_of(&old->keys[i]).text, pattern);
	if (new && (old ? old->threshold != new->threshold : new->threshold > 1))
		say(words, "a release of '%s' needs %zu of its publishers' signatures, not %zu", pattern,
		    new->threshold, old ? old->threshold : 1);
	if (!new)
		say(words, "'%s' is not a pattern of its own any more: who may publish those names is up to the others",
		    pattern);
}

static void say_publishers(struct words *words, const struct iov_root *root, const struct iov_root *next)
{
	for (size_t i = 0; i < next->n_publishers; i++) {
		const struct iov_publishers *rule = &next->publishers[i];
		say_rule(words, rule->pattern, rule_of(root, rule->pattern), &rule->role);
	}
	for (size_t i = 0; root && i < root->n_publishers; i++)
		if (!rule_of(next, root->publishers[i].pattern))
			say_rule(words, root->publishers[i].pattern, &root->publishers[i].role, NULL);
}

static bool was_retired(const struct iov_root *root, const struct iov_retired *entry)
{
	for (size_t i = 0; root && i < root->n_retired; i++) {
		const struct iov_retired *old = &root->retired[i];
		if (!memcmp(old->key.key, entry->key.key, sizeof(old->key.key)) && old->log_size == entry->log_size &&
		    old->leaked == entry->leaked && old->threshold == entry->threshold &&
		    !strcmp(old->pattern, entry->pattern))
			return true;
	}
	return false;
}

static void say_retired(struct words *words, const struct iov_root *root, const struct iov_root *next)
{
	for (size_t i = 0; i < next->n_retired; i++) {
		const struct iov_retired *entry = &next->retired[i];
		bool stays = iov_role_has(iov_root_publishers(next, entry->pattern), &entry->key);
		if (was_retired(root, entry))
			continue;
		say(words, "what %s signed of '%s' below log entry %llu stays good with %zu signature%s%s%s",
		    id_of(&entry->key).text, entry->pattern, (unsigned long long)entry->log_size, entry->threshold,
		    entry->threshold == 1 ? "" : "s", stays ? "" : "; from there on it is refused",
		    entry->leaked ? ", and the key gets no say again: it leaked" : "");
	}
}

static void say_rest(struct words *words, const struct iov_root *root, const struct iov_root *next)
{
	char expires[IOV_TIME_SIZE];
	iov_time_text(next->expires, expires);
	say(words, "the root is good until %s", expires);
	if (next->resumes)
		say(words,
		    "the log goes on from entry %llu, and heads count anew: what else was published is taken back",
		    (unsigned long long)next->resume_size);
	if (root && strcmp(root->origin, next->origin) != 0)
		say(words, "it is of another registry: '%s', not '%s'", next->origin, root->origin);
}

int iov_root_words(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root *next, json_t **ret)
{
	struct words words = {.list = json_array()};
	if (!words.list)
		return iov_oom(ctx);
	say_role(&words, "may sign roots", "may no longer sign roots", root ? &root->root : NULL, &next->root);
	say_threshold(&words, "roots are", root ? &root->root : NULL, &next->root);
	say_role(&words, "may sign heads", "may no longer sign heads", root ? &root->registry : NULL, &next->registry);
	say_publishers(&words, root, next);
	say_retired(&words, root, next);
	say_rest(&words, root, next);
	if (words.failed) {
		json_decref(words.list);
		return iov_oom(ctx);
	}
	*ret = words.list;
	return IOV_OK;
}

/* ---- a document ---- */

static json_t *keys_of(const struct iov_role *role)
{
	json_t *keys = json_array();
	for (size_t i = 0; keys && i < role->n_keys; i++) {
		iov_auto(iov_free_ptr) char *text = iov_verifier_text(&role->keys[i]);
		json_array_append_new(keys, text ? json_string(text) : NULL);
	}
	return keys;
}

static json_t *describe_role(const struct iov_role *role)
{
	return json_pack("{s:o, s:I}", "keys", keys_of(role), "threshold", (json_int_t)role->threshold);
}

static json_t *describe_rules(const struct iov_root *root)
{
	json_t *rules = json_array();
	for (size_t i = 0; rules && i < root->n_publishers; i++) {
		json_t *rule = describe_role(&root->publishers[i].role);
		json_object_set_new(rule, "pattern", json_string(root->publishers[i].pattern));
		json_array_append_new(rules, rule);
	}
	return rules;
}

static json_t *describe_retired(const struct iov_root *root)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < root->n_retired; i++) {
		const struct iov_retired *entry = &root->retired[i];
		json_array_append_new(list,
				      json_pack("{s:s, s:b, s:I, s:s, s:I}", "key", id_of(&entry->key).text, "leaked",
						entry->leaked, "log_size", (json_int_t)entry->log_size, "pattern",
						entry->pattern, "threshold", (json_int_t)entry->threshold));
	}
	return list;
}

static json_t *describe_signers(const struct iov_root *root)
{
	json_t *names = json_array();
	for (size_t i = 0; names && i < root->note.n_signatures; i++) {
		char id[IOV_KEY_NAME_MAX + 10];
		snprintf(id, sizeof(id), "%s+%08x", root->note.signatures[i].name, root->note.signatures[i].hash);
		json_array_append_new(names, json_string(id));
	}
	return names;
}

int iov_root_describe(struct iov_ctx *ctx, const struct iov_root *root, json_t **ret)
{
	char expires[IOV_TIME_SIZE];
	iov_time_text(root->expires, expires);
	*ret = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "expires", expires, "origin", root->origin,
			 "sha256", root->fingerprint, "publishers", describe_rules(root), "registry",
			 describe_role(&root->registry), "retired", describe_retired(root), "root",
			 describe_role(&root->root), "signatures", describe_signers(root), "version",
			 (json_int_t)root->version);
	return *ret ? IOV_OK : iov_oom(ctx);
}

/* ---- for the log ---- */

static bool same_role(const struct iov_role *a, const struct iov_role *b)
{
	bool same = a->n_keys == b->n_keys && a->threshold == b->threshold;
	for (size_t i = 0; same && i < a->n_keys; i++)
		same = iov_role_has(b, &a->keys[i]);
	return same;
}

/* The keys of `a` that `b`, which may be NULL, has not. */
static json_t *missing_ids(const struct iov_role *a, const struct iov_role *b)
{
	json_t *ids = json_array();
	for (size_t i = 0; ids && a && i < a->n_keys; i++)
		if (!iov_role_has(b, &a->keys[i]))
			json_array_append_new(ids, json_string(id_of(&a->keys[i]).text));
	return ids;
}

/* One pattern's difference: is it only one of keys given, or of keys taken? */
static int compare_rule(struct iov_ctx *ctx, const char *pattern, const struct iov_role *old,
			const struct iov_role *new, struct iov_root_event *ret)
{
	iov_auto(iov_json_release) json_t *given = missing_ids(new, old), *taken = missing_ids(old, new);
	bool gives = json_array_size(given) > 0, takes = json_array_size(taken) > 0;
	bool threshold = old && new ? old->threshold != new->threshold : new &&new->threshold > 1;
	if (!given || !taken)
		return iov_oom(ctx);
	if (!gives && !takes && !threshold)
		return IOV_OK;
	if (ret->pattern || gives == takes || threshold) {
		ret->kind = "root";
		return IOV_OK;
	}
	ret->kind = gives ? "grant" : "revoke";
	ret->pattern = pattern;
	ret->keys = json_incref(gives ? given : taken);
	return IOV_OK;
}

int iov_root_compare(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root *next,
		     struct iov_root_event *ret)
{
	*ret = (struct iov_root_event){.kind = "root"};
	struct iov_root_event found = {.kind = NULL};
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < next->n_publishers; i++)
		rc = compare_rule(ctx, next->publishers[i].pattern, rule_of(root, next->publishers[i].pattern),
				  &next->publishers[i].role, &found);
	for (size_t i = 0; !rc && i < root->n_publishers; i++)
		if (!rule_of(next, root->publishers[i].pattern))
			rc = compare_rule(ctx, root->publishers[i].pattern, &root->publishers[i].role, NULL, &found);
	bool only = !rc && found.pattern && strcmp(found.kind, "root") != 0 && !next->resumes &&
		    same_role(&root->root, &next->root) && same_role(&root->registry, &next->registry);
	if (only)
		*ret = found;
	else
		json_decref(found.keys);
	return rc;
}
