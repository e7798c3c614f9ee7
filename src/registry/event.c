#include "registry/event.h"

#include <string.h>

#include "registry/root_edit.h"
#include "util/cleanup.h"

/* ---- reading ---- */

static int get_sha256(struct iov_ctx *ctx, const json_t *json, const char *key, const char **ret)
{
	int rc = iov_json_get_string(ctx, "event", json, key, ret);
	if (!rc && !iov_is_sha256_hex(*ret))
		return iov_error(ctx, IOV_E_INPUT, "event: '%s' is no SHA-256", key);
	return rc;
}

static int read_publish(struct iov_ctx *ctx, const json_t *json, struct iov_leaf *ret)
{
	int rc = iov_json_get_string(ctx, "event", json, "name", &ret->name);
	if (!rc)
		rc = iov_json_get_string(ctx, "event", json, "version", &ret->version);
	if (!rc)
		rc = get_sha256(ctx, json, "archive", &ret->archive);
	return rc ? rc : get_sha256(ctx, json, "record", &ret->record);
}

static int read_status(struct iov_ctx *ctx, const json_t *json, struct iov_leaf *ret)
{
	json_t *document = NULL, *signatures = NULL;
	int rc = iov_json_get_object(ctx, "event", json, "statement", &document);
	if (!rc)
		rc = iov_json_get_array(ctx, "event", json, "signatures", &signatures);
	if (!rc)
		rc = iov_statement_read(ctx, document, &ret->statement);
	if (rc)
		return rc;
	ret->statement.signatures = json_incref(signatures);
	if (strcmp(ret->statement.kind->name, ret->kind) != 0)
		return iov_error(ctx, IOV_E_INPUT, "event: its kind is '%s', but what was signed is a '%s'", ret->kind,
				 ret->statement.kind->name);
	return IOV_OK;
}

static int read_root(struct iov_ctx *ctx, const json_t *json, struct iov_leaf *ret)
{
	int rc = iov_json_get_uint(ctx, "event", json, "root", &ret->root);
	return rc ? rc : get_sha256(ctx, json, "sha256", &ret->sha256);
}

static int read_grant(struct iov_ctx *ctx, const json_t *json, struct iov_leaf *ret)
{
	size_t i;
	json_t *key;
	int rc = read_root(ctx, json, ret);
	if (!rc)
		rc = iov_json_get_string(ctx, "event", json, "pattern", &ret->pattern);
	if (!rc)
		rc = iov_json_get_array(ctx, "event", json, "keys", &ret->keys);
	json_array_foreach(ret->keys, i, key) {
		if (!json_is_string(key))
			return iov_error(ctx, IOV_E_INPUT, "event: 'keys' holds something that is not a string");
	}
	return rc;
}

static const struct {
	const char *name;
	enum iov_leaf_class class;
	int (*read)(struct iov_ctx *ctx, const json_t *json, struct iov_leaf *ret);
} kinds[] = {
	{"publish", IOV_LEAF_PUBLISH, read_publish},   {"yank", IOV_LEAF_STATUS, read_status},
	{"unyank", IOV_LEAF_STATUS, read_status},      {"deprecate", IOV_LEAF_STATUS, read_status},
	{"undeprecate", IOV_LEAF_STATUS, read_status}, {"grant", IOV_LEAF_ROOT, read_grant},
	{"revoke", IOV_LEAF_ROOT, read_grant},	       {"root", IOV_LEAF_ROOT, read_root},
};

static int read_kind(struct iov_ctx *ctx, struct iov_leaf *event)
{
	for (size_t i = 0; i < IOV_COUNT(kinds); i++)
		if (!strcmp(kinds[i].name, event->kind)) {
			event->class = kinds[i].class;
			return kinds[i].read(ctx, event->json, event);
		}
	return iov_error(ctx, IOV_E_UNSUPPORTED,
			 "an event of kind '%.40s' is not known to this iovpkg; use a newer one", event->kind);
}

/* One spelling for each event: what a reader shows is then what the tree's hashes are made of. */
static int check_canonical(struct iov_ctx *ctx, const json_t *json, const char *leaf, size_t len)
{
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(json);
	if (text && strlen(text) == len && !memcmp(text, leaf, len))
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT, "event: it is not canonical JSON");
}

static int read_event(struct iov_ctx *ctx, const char *leaf, size_t len, struct iov_leaf *event)
{
	int rc = iov_json_parse(ctx, "event", leaf, len, IOV_LEAF_MAX, &event->json);
	if (!rc)
		rc = check_canonical(ctx, event->json, leaf, len);
	if (!rc)
		rc = iov_json_get_string(ctx, "event", event->json, "kind", &event->kind);
	if (!rc)
		rc = iov_json_get_string(ctx, "event", event->json, "time", &event->time);
	if (!rc)
		rc = get_sha256(ctx, event->json, "manifest", &event->manifest);
	return rc ? rc : read_kind(ctx, event);
}

int iov_leaf_parse(struct iov_ctx *ctx, const char *what, const char *leaf, size_t len, struct iov_leaf *ret)
{
	iov_auto(iov_leaf_release) struct iov_leaf event = {.json = NULL};
	int rc = read_event(ctx, leaf, len, &event);
	if (rc)
		return iov_error(ctx, rc == IOV_E_INPUT ? IOV_E_UNTRUSTED : (enum iov_code)rc,
				 "%s: %s; tell the registry's host", what, iov_error_text(ctx));
	*ret = event;
	event = (struct iov_leaf){.json = NULL};
	return IOV_OK;
}

void iov_leaf_release(struct iov_leaf *event)
{
	json_decref(event->json);
	iov_statement_release(&event->statement);
	*event = (struct iov_leaf){.json = NULL};
}

/* ---- making ---- */

static int write_leaf(struct iov_ctx *ctx, json_t *json, char **ret_leaf)
{
	iov_auto(iov_json_release) json_t *owned = json;
	char *leaf = owned ? iov_json_canonical(owned) : NULL;
	if (!leaf)
		return iov_oom(ctx);
	*ret_leaf = leaf;
	return IOV_OK;
}

int iov_event_record(struct iov_ctx *ctx, const struct iov_release *release, char ret[IOV_HEX_SIZE])
{
	iov_auto(iov_free_ptr) char *text = iov_release_signed_text(release);
	if (!text)
		return iov_oom(ctx);
	iov_sha256_hex(text, strlen(text), ret);
	return IOV_OK;
}

int iov_event_publish(struct iov_ctx *ctx, const struct iov_release *release, const char *manifest, char **ret_leaf)
{
	char record[IOV_HEX_SIZE];
	int rc = iov_event_record(ctx, release, record);
	if (rc)
		return rc;
	return write_leaf(ctx,
			  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "archive", release->sha256, "kind",
				    "publish", "manifest", manifest, "name", release->manifest->name, "record", record,
				    "time", release->published, "version", release->manifest->version.text),
			  ret_leaf);
}

int iov_event_status(struct iov_ctx *ctx, const struct iov_statement *statement, const char *manifest, const char *time,
		     char **ret_leaf)
{
	return write_leaf(ctx,
			  json_pack("{s:s, s:s, s:O, s:O, s:s}", "kind", statement->kind->name, "manifest", manifest,
				    "signatures", statement->signatures, "statement", statement->json, "time", time),
			  ret_leaf);
}

int iov_event_root(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_root *next, const char *manifest,
		   const char *time, char **ret_leaf)
{
	struct iov_root_event event;
	int rc = iov_root_compare(ctx, root, next, &event);
	iov_auto(iov_json_release) json_t *keys = rc ? NULL : event.keys;
	return rc ? rc
		  : write_leaf(ctx,
			       json_pack("{s:O*, s:s, s:s, s:s*, s:I, s:s, s:s}", "keys", keys, "kind", event.kind,
					 "manifest", manifest, "pattern", event.pattern, "root",
					 (json_int_t)next->version, "sha256", next->fingerprint, "time", time),
			       ret_leaf);
}

/* ---- judging ---- */

int iov_event_check(struct iov_ctx *ctx, const char *registry, const char *leaf, size_t len,
		    const struct iov_release *release)
{
	char record[IOV_HEX_SIZE];
	iov_auto(iov_leaf_release) struct iov_leaf event = {.json = NULL};
	int rc = iov_event_record(ctx, release, record);
	if (!rc)
		rc = iov_leaf_parse(ctx, "log entry", leaf, len, &event);
	if (rc)
		return rc;
	const struct {
		const char *key, *value, *expected;
	} members[] = {
		{"kind", event.kind, "publish"},
		{"name", event.name, release->manifest->name},
		{"version", event.version, release->manifest->version.text},
		{"archive", event.archive, release->sha256},
		{"record", event.record, record},
	};
	for (size_t i = 0; i < IOV_COUNT(members); i++) {
		if (members[i].value && !strcmp(members[i].value, members[i].expected))
			continue;
		return iov_error(
			ctx, IOV_E_UNTRUSTED,
			"entry %llu in the log of registry '%s' is not the publish of '%s' %s: '%s' differs (a "
			"replaced release)",
			(unsigned long long)release->log, registry, release->manifest->name,
			release->manifest->version.text, members[i].key);
	}
	return IOV_OK;
}
