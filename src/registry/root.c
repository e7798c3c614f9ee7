#include "registry/root.h"

#include <stdio.h>
#include <string.h>

#include "registry/clock.h"
#include "util/cleanup.h"

#define SCHEMA 1
#define KEYS_MAX 1024 /* in one role */

/* ---- reading ---- */

static int get_key(struct iov_ctx *ctx, const char *what, const json_t *keys, const json_t *id,
		   struct iov_verifier *ret)
{
	const char *text;
	if (!json_is_string(id))
		return iov_error(ctx, IOV_E_UNTRUSTED, "%s names a key that is not a string", what);
	int rc = iov_json_get_string(ctx, what, keys, json_string_value(id), &text);
	if (!rc)
		rc = iov_verifier_parse(ctx, text, ret);
	return rc ? iov_error_prefix(ctx, "keys") : IOV_OK;
}

/* One key twice would let one signer meet a threshold of two. */
static bool has_twins(const struct iov_role *role)
{
	for (size_t i = 0; i < role->n_keys; i++)
		for (size_t j = 0; j < i; j++)
			if (!memcmp(role->keys[i].key, role->keys[j].key, sizeof(role->keys[i].key)))
				return true;
	return false;
}

static int get_role(struct iov_ctx *ctx, const char *what, const json_t *keys, const json_t *json, struct iov_role *ret)
{
	json_t *ids = NULL;
	uint64_t threshold = 0;
	int rc = iov_json_get_array(ctx, what, json, "keys", &ids);
	if (!rc)
		rc = iov_json_get_uint(ctx, what, json, "threshold", &threshold);
	if (rc)
		return rc;
	size_t count = json_array_size(ids);
	if (count > KEYS_MAX || threshold < 1 || threshold > count)
		return iov_error(ctx, IOV_E_UNTRUSTED, "%s has %zu keys and a threshold of %llu", what, count,
				 (unsigned long long)threshold);
	ret->keys = calloc(count, sizeof(*ret->keys));
	if (!ret->keys)
		return iov_oom(ctx);
	ret->threshold = (size_t)threshold;
	for (; !rc && ret->n_keys < count; ret->n_keys++)
		rc = get_key(ctx, what, keys, json_array_get(ids, ret->n_keys), &ret->keys[ret->n_keys]);
	if (!rc && has_twins(ret))
		return iov_error(ctx, IOV_E_UNTRUSTED, "%s names one key twice", what);
	return rc;
}

/* A name, or the beginning of one and '*'. */
bool iov_is_pattern(const char *pattern)
{
	size_t len = strspn(pattern, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return len <= 64 && *pattern && (!pattern[len] || !strcmp(pattern + len, "*"));
}

static int get_publishers(struct iov_ctx *ctx, const json_t *keys, const json_t *rules, struct iov_root *root)
{
	size_t count = json_array_size(rules);
	root->publishers = calloc(count + 1, sizeof(*root->publishers));
	if (!root->publishers)
		return iov_oom(ctx);
	for (size_t i = 0; i < count; i++) {
		struct iov_publishers *rule = &root->publishers[root->n_publishers++];
		const json_t *json = json_array_get(rules, i);
		int rc = iov_json_get_string(ctx, "a rule of 'publishers'", json, "pattern", &rule->pattern);
		if (!rc && !iov_is_pattern(rule->pattern))
			return iov_error(ctx, IOV_E_UNTRUSTED, "'%.80s' is no name pattern", rule->pattern);
		for (size_t j = 0; !rc && j < i; j++)
			if (!strcmp(root->publishers[j].pattern, rule->pattern))
				return iov_error(ctx, IOV_E_UNTRUSTED, "pattern '%s' is there twice", rule->pattern);
		if (!rc)
			rc = get_role(ctx, "a rule of 'publishers'", keys, json, &rule->role);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static int get_retired(struct iov_ctx *ctx, const json_t *keys, const json_t *json, struct iov_retired *ret)
{
	static const char what[] = "an entry of 'retired'";
	uint64_t threshold = 0;
	int rc = iov_json_get_string(ctx, what, json, "pattern", &ret->pattern);
	if (!rc && !iov_is_pattern(ret->pattern))
		return iov_error(ctx, IOV_E_UNTRUSTED, "'%.80s' is no name pattern", ret->pattern);
	if (!rc)
		rc = get_key(ctx, what, keys, json_object_get(json, "key"), &ret->key);
	if (!rc)
		rc = iov_json_get_uint(ctx, what, json, "log_size", &ret->log_size);
	if (!rc)
		rc = iov_json_get_uint(ctx, what, json, "threshold", &threshold);
	if (!rc && (threshold < 1 || threshold > KEYS_MAX))
		return iov_error(ctx, IOV_E_UNTRUSTED, "%s has a threshold of %llu", what,
				 (unsigned long long)threshold);
	ret->threshold = (size_t)threshold;
	return rc ? rc : iov_json_opt_bool(ctx, what, json, "leaked", &ret->leaked);
}

static int get_all_retired(struct iov_ctx *ctx, const json_t *keys, struct iov_root *root)
{
	json_t *list = NULL;
	int rc = iov_json_opt_array(ctx, "root", root->json, "retired", &list);
	root->retired = calloc(json_array_size(list) + 1, sizeof(*root->retired));
	if (!root->retired)
		return iov_oom(ctx);
	for (size_t i = 0; !rc && i < json_array_size(list); i++)
		rc = get_retired(ctx, keys, json_array_get(list, i), &root->retired[root->n_retired++]);
	return rc;
}

static int get_roles(struct iov_ctx *ctx, struct iov_root *root)
{
	json_t *keys = NULL, *roles = NULL, *role = NULL, *rules = NULL;
	int rc = iov_json_get_object(ctx, "root", root->json, "keys", &keys);
	if (!rc)
		rc = iov_json_get_object(ctx, "root", root->json, "roles", &roles);
	if (!rc)
		rc = iov_json_get_object(ctx, "roles", roles, "root", &role);
	if (!rc)
		rc = get_role(ctx, "role 'root'", keys, role, &root->root);
	if (!rc)
		rc = iov_json_get_object(ctx, "roles", roles, "registry", &role);
	if (!rc)
		rc = get_role(ctx, "role 'registry'", keys, role, &root->registry);
	if (!rc)
		rc = iov_json_get_array(ctx, "root", root->json, "publishers", &rules);
	if (!rc)
		rc = get_publishers(ctx, keys, rules, root);
	return rc ? rc : get_all_retired(ctx, keys, root);
}

static int get_resume(struct iov_ctx *ctx, struct iov_root *root)
{
	json_t *resume = NULL;
	const char *log_root = "";
	int rc = iov_json_opt_object(ctx, "root", root->json, "resume", &resume);
	if (rc || !resume)
		return rc;
	root->resumes = true;
	rc = iov_json_get_uint(ctx, "resume", resume, "log_size", &root->resume_size);
	if (!rc)
		rc = iov_json_get_string(ctx, "resume", resume, "log_root", &log_root);
	if (!rc && !iov_unhex(log_root, root->resume_root, sizeof(root->resume_root)))
		return iov_error(ctx, IOV_E_UNTRUSTED, "its 'log_root' is no SHA-256");
	return rc;
}

static int get_members(struct iov_ctx *ctx, struct iov_root *root)
{
	const char *kind = "";
	uint64_t schema = 0;
	int rc = iov_json_get_string(ctx, "root", root->json, "kind", &kind);
	if (!rc)
		rc = iov_json_get_uint(ctx, "root", root->json, "schema", &schema);
	if (!rc && strcmp(kind, "root") != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "it is a '%.40s', not a root", kind);
	if (!rc && schema != SCHEMA)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "its schema is %llu and this iovpkg reads %d; use a newer iovpkg",
				 (unsigned long long)schema, SCHEMA);
	if (!rc)
		rc = iov_json_get_uint(ctx, "root", root->json, "version", &root->version);
	if (!rc)
		rc = iov_json_get_string(ctx, "root", root->json, "origin", &root->origin);
	if (!rc && !iov_is_key_name(root->origin))
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "its origin is not a printable ASCII name without spaces and '+'");
	if (!rc)
		rc = iov_time_get(ctx, "root", root->json, "expires", &root->expires);
	if (!rc)
		rc = get_resume(ctx, root);
	return rc ? rc : get_roles(ctx, root);
}

static int read_note(struct iov_ctx *ctx, const char *data, size_t len, bool prepared, struct iov_root *root)
{
	int rc = iov_note_parse_prepared(ctx, "it", data, len, &root->note);
	if (!rc)
		rc = iov_json_parse(ctx, "text", root->note.text, root->note.len, IOV_ROOT_MAX, &root->json);
	if (!rc)
		rc = get_members(ctx, root);
	if (rc)
		return rc;
	iov_buf_add(&root->bytes, data, len);
	if (iov_buf_failed(&root->bytes))
		return iov_oom(ctx);
	iov_sha256_hex(root->note.text, root->note.len, root->fingerprint);
	return prepared ? IOV_OK : iov_role_check(ctx, &root->root, &root->note, "it", "it names itself for roots");
}

static int parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, bool prepared,
		 struct iov_root **ret)
{
	struct iov_root *root = calloc(1, sizeof(*root));
	if (!root)
		return iov_oom(ctx);
	int rc = read_note(ctx, data, len, prepared, root);
	if (rc) {
		iov_root_free(root);
		return iov_error(ctx, rc == IOV_E_INPUT ? IOV_E_UNTRUSTED : (enum iov_code)rc, "%s is refused: %s",
				 what, iov_error_text(ctx));
	}
	*ret = root;
	return IOV_OK;
}

int iov_root_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_root **ret)
{
	return parse(ctx, what, data, len, false, ret);
}

int iov_root_parse_prepared(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_root **ret)
{
	return parse(ctx, what, data, len, true, ret);
}

void iov_root_free(struct iov_root *root)
{
	if (!root)
		return;
	for (size_t i = 0; i < root->n_publishers; i++)
		free(root->publishers[i].role.keys);
	free(root->publishers);
	free(root->retired);
	free(root->root.keys);
	free(root->registry.keys);
	iov_note_text_release(&root->note);
	iov_buf_release(&root->bytes);
	json_decref(root->json);
	free(root);
}

/* ---- judging ---- */

int iov_root_check_next(struct iov_ctx *ctx, const char *what, const struct iov_root *root, const struct iov_root *next)
{
	if (next->version != root->version + 1)
		return iov_error(
			ctx, IOV_E_UNTRUSTED,
			"%s has version %llu after %llu; roots follow each other without gaps (rollback attack)", what,
			(unsigned long long)next->version, (unsigned long long)root->version);
	if (strcmp(next->origin, root->origin) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "%s is of '%s', but the registry is '%s'; it was taken from elsewhere", what,
				 next->origin, root->origin);
	char whose[48];
	snprintf(whose, sizeof(whose), "root %llu names for roots", (unsigned long long)root->version);
	int rc = iov_role_check(ctx, &root->root, &next->note, what, whose);
	return rc ? iov_error(ctx, rc, "%s; ask the registry's host", iov_error_text(ctx)) : IOV_OK;
}

int iov_root_check_fresh(struct iov_ctx *ctx, const char *what, const struct iov_root *root, int64_t now)
{
	char when[IOV_TIME_SIZE];
	if (now < root->expires)
		return IOV_OK;
	iov_time_text(root->expires, when);
	return iov_error(
		ctx, IOV_E_UNTRUSTED,
		"%s expired at %s (freeze attack, or a forgotten one); the registry's host has to publish a new root",
		what, when);
}

int iov_pattern_fit(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);
	if (len && pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) ? -1 : (int)(2 * (len - 1));
	return strcmp(pattern, name) ? -1 : (int)(2 * len + 1);
}

const struct iov_role *iov_root_publishers(const struct iov_root *root, const char *name)
{
	const struct iov_role *best = NULL;
	int best_fit = -1;
	for (size_t i = 0; i < root->n_publishers; i++) {
		int here = iov_pattern_fit(root->publishers[i].pattern, name);
		if (here > best_fit) {
			best_fit = here;
			best = &root->publishers[i].role;
		}
	}
	return best;
}

bool iov_key_signed_lines(const struct iov_verifier *key, const json_t *lines, const char *text, size_t len)
{
	for (size_t i = 0; i < json_array_size(lines) && i < IOV_NOTE_SIGNATURES_MAX; i++) {
		const char *line = json_string_value(json_array_get(lines, i));
		if (line && iov_note_line_is_good(key, line, text, len))
			return true;
	}
	return false;
}

bool iov_role_signed_lines(const struct iov_role *role, const json_t *lines, const char *text, size_t len,
			   json_t **ret_names)
{
	size_t good = 0;
	json_t *names = ret_names ? json_array() : NULL;
	for (size_t i = 0; i < role->n_keys; i++) {
		if (!iov_key_signed_lines(&role->keys[i], lines, text, len))
			continue;
		good++;
		if (names)
			json_array_append_new(names, json_string(role->keys[i].name));
	}
	if (ret_names)
		*ret_names = names;
	return good >= role->threshold;
}

void iov_root_path(uint64_t version, char ret[IOV_ROOT_PATH_MAX])
{
	snprintf(ret, IOV_ROOT_PATH_MAX, "root/%llu.note", (unsigned long long)version);
}
