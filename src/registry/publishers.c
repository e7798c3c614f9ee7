#include "registry/publishers.h"

#include <string.h>

#include "util/cleanup.h"

/* What is judged, once. */
struct signed_text {
	const json_t *lines;
	const char *text;
	size_t len;
};

static size_t lines_by(const struct signed_text *by, const struct iov_verifier *key)
{
	size_t count = 0;
	for (size_t i = 0; i < json_array_size(by->lines) && i < IOV_NOTE_SIGNATURES_MAX; i++) {
		const char *line = json_string_value(json_array_get(by->lines, i));
		count += line && iov_note_line_is_good(key, line, by->text, by->len);
	}
	return count;
}

static bool in_role(const struct iov_role *role, const struct iov_verifier *key)
{
	for (size_t i = 0; role && i < role->n_keys; i++)
		if (!memcmp(role->keys[i].key, key->key, sizeof(key->key)))
			return true;
	return false;
}

/* One key is one signer, however often it signed. */
static int count_signer(struct iov_ctx *ctx, const struct iov_verifier *key, size_t lines, struct iov_judgement *ret)
{
	if (lines > 1)
		ret->verdict = IOV_SIGNED_TWICE;
	ret->good++;
	ret->key = key->name;
	return json_array_append_new(ret->names, json_string(key->name)) ? iov_oom(ctx) : IOV_OK;
}

static int count_role(struct iov_ctx *ctx, const struct iov_role *role, const struct signed_text *by,
		      struct iov_judgement *ret)
{
	int rc = IOV_OK;
	for (size_t i = 0; role && !rc && i < role->n_keys; i++) {
		size_t lines = lines_by(by, &role->keys[i]);
		if (lines)
			rc = count_signer(ctx, &role->keys[i], lines, ret);
	}
	return rc;
}

/* Is there an entry of the same key before that counts for the same release? */
static bool counted_before(const struct iov_root *root, size_t at, const char *name, uint64_t log)
{
	for (size_t i = 0; i < at; i++) {
		const struct iov_retired *other = &root->retired[i];
		if (!memcmp(other->key.key, root->retired[at].key.key, sizeof(other->key.key)) &&
		    log < other->log_size && iov_pattern_fit(other->pattern, name) >= 0)
			return true;
	}
	return false;
}

/* What was enough when the log took the release in is enough for good. */
static int count_retired(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_role *role,
			 const char *name, uint64_t log, const struct signed_text *by, struct iov_judgement *ret)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < root->n_retired; i++) {
		const struct iov_retired *retired = &root->retired[i];
		size_t lines = 0;
		if (log >= retired->log_size || iov_pattern_fit(retired->pattern, name) < 0 ||
		    !(lines = lines_by(by, &retired->key)))
			continue;
		if (retired->threshold < ret->needed)
			ret->needed = retired->threshold;
		if (!in_role(role, &retired->key) && !counted_before(root, i, name, log))
			rc = count_signer(ctx, &retired->key, lines, ret);
	}
	return rc;
}

/* A key that no longer counts: the one of a thief, or of somebody who left. */
static const struct iov_retired *too_late(const struct iov_root *root, const struct iov_role *role, const char *name,
					  uint64_t log, const struct signed_text *by)
{
	for (size_t i = 0; i < root->n_retired; i++) {
		const struct iov_retired *retired = &root->retired[i];
		if (log >= retired->log_size && iov_pattern_fit(retired->pattern, name) >= 0 &&
		    !in_role(role, &retired->key) && lines_by(by, &retired->key))
			return retired;
	}
	return NULL;
}

static const char *another(const struct iov_root *root, const struct signed_text *by)
{
	for (size_t i = 0; i < root->n_publishers; i++) {
		const struct iov_role *role = &root->publishers[i].role;
		for (size_t j = 0; j < role->n_keys; j++)
			if (lines_by(by, &role->keys[j]))
				return role->keys[j].name;
	}
	return NULL;
}

static void find_verdict(const struct iov_root *root, const struct iov_role *role, const char *name, uint64_t log,
			 const struct signed_text *by, struct iov_judgement *ret)
{
	const struct iov_retired *late;
	if (ret->good >= ret->needed) {
		ret->verdict = IOV_SIGNED_WELL;
	} else if ((late = too_late(root, role, name, log, by))) {
		ret->verdict = IOV_SIGNED_TOO_LATE;
		ret->key = late->key.name;
		ret->pattern = late->pattern;
		ret->log_size = late->log_size;
	} else if (ret->good) {
		ret->verdict = ret->verdict == IOV_SIGNED_TWICE ? IOV_SIGNED_TWICE : IOV_SIGNED_BY_TOO_FEW;
	} else {
		ret->key = another(root, by);
		ret->verdict = ret->key ? IOV_SIGNED_BY_ANOTHER : IOV_SIGNED_BY_NOBODY;
	}
}

int iov_publishers_judge(struct iov_ctx *ctx, const struct iov_root *root, const char *name, const json_t *lines,
			 const char *text, uint64_t log, struct iov_judgement *ret)
{
	const struct iov_role *role = iov_root_publishers(root, name);
	iov_auto(iov_judgement_release) struct iov_judgement found = {.names = json_array()};
	if (!found.names)
		return iov_oom(ctx);
	const struct signed_text by = {lines, text, strlen(text)};
	found.needed = role ? role->threshold : SIZE_MAX;
	int rc = count_role(ctx, role, &by, &found);
	if (!rc)
		rc = count_retired(ctx, root, role, name, log, &by, &found);
	if (rc)
		return rc;
	find_verdict(root, role, name, log, &by, &found);
	*ret = found;
	found.names = NULL;
	return IOV_OK;
}

int iov_release_judge(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_release *release, uint64_t log,
		      struct iov_judgement *ret)
{
	iov_auto(iov_free_ptr) char *text = iov_release_signed_text(release);
	if (!text)
		return iov_oom(ctx);
	return iov_publishers_judge(ctx, root, release->manifest->name, json_object_get(release->json, "signatures"),
				    text, log, ret);
}

void iov_judgement_release(struct iov_judgement *judgement)
{
	json_decref(judgement->names);
	judgement->names = NULL;
}

/* ---- telling ---- */

static void add_reason(struct iov_buf *text, const struct iov_root *root, const struct iov_judgement *judgement)
{
	unsigned long long version = root->version;
	switch (judgement->verdict) {
	case IOV_SIGNED_WELL:
		break;
	case IOV_SIGNED_BY_NOBODY:
		iov_buf_printf(text,
			       "is not signed by a publisher whom root %llu allows for that name (arbitrary software "
			       "attack)",
			       version);
		break;
	case IOV_SIGNED_BY_ANOTHER:
		iov_buf_printf(text,
			       "is signed by '%s', whom root %llu allows for other names only (wrong publisher attack)",
			       judgement->key, version);
		break;
	case IOV_SIGNED_BY_TOO_FEW:
	case IOV_SIGNED_TWICE:
		iov_buf_printf(text,
			       "is signed by %zu of the %zu different publishers that root %llu asks for (below "
			       "threshold%s)",
			       judgement->good, judgement->needed, version,
			       judgement->verdict == IOV_SIGNED_TWICE ? "; one key counts once, however often it signs"
								      : "");
		break;
	case IOV_SIGNED_TOO_LATE:
		iov_buf_printf(text,
			       "is signed by '%s', which root %llu takes for '%s' only below log entry %llu (stolen "
			       "key)",
			       judgement->key, version, judgement->pattern, (unsigned long long)judgement->log_size);
		break;
	}
}

int iov_judgement_refuse(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
			 const struct iov_release *release, const struct iov_judgement *judgement)
{
	iov_auto(iov_buf_release) struct iov_buf reason = {0};
	if (judgement->verdict == IOV_SIGNED_WELL)
		return IOV_OK;
	add_reason(&reason, root, judgement);
	if (iov_buf_failed(&reason))
		return iov_oom(ctx);
	return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' %s in registry '%s' %s; do not use it, ask the registry's host",
			 release->manifest->name, release->manifest->version.text, registry, reason.data);
}
