#include "registry/statement.h"

#include <string.h>

#include "core/status.h"
#include "registry/publishers.h"
#include "util/cleanup.h"

#define SCHEMA 1

static const struct iov_statement_kind kinds[] = {
	{"yank", "yanked", "reason", "yanked"},
	{"unyank", "yanked", NULL, "no longer yanked"},
	{"deprecate", "deprecated", "text", "deprecated"},
	{"undeprecate", "deprecated", NULL, "no longer deprecated"},
};

const struct iov_statement_kind *iov_statement_kind(const char *name)
{
	for (size_t i = 0; i < IOV_COUNT(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* ---- reading ---- */

static int get_kind(struct iov_ctx *ctx, const json_t *json, struct iov_statement *ret)
{
	const char *kind = "";
	uint64_t schema = 0;
	int rc = iov_json_get_string(ctx, "statement", json, "kind", &kind);
	if (!rc)
		rc = iov_json_get_uint(ctx, "statement", json, "schema", &schema);
	if (rc)
		return rc;
	ret->kind = iov_statement_kind(kind);
	if (!ret->kind || schema != SCHEMA)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "a statement '%.40s' of schema %llu is not known to this iovpkg; use a newer one",
				 kind, (unsigned long long)schema);
	return IOV_OK;
}

/* Each once and in order, so that a statement has one spelling. */
static int check_version(struct iov_ctx *ctx, const json_t *item, struct iov_version *before, bool first)
{
	struct iov_version version;
	if (!json_is_string(item))
		return iov_error(ctx, IOV_E_INPUT, "statement: 'versions' holds something that is not a string");
	int rc = iov_version_parse(ctx, json_string_value(item), &version);
	if (!rc && !first && iov_version_compare(before, &version) >= 0)
		return iov_error(ctx, IOV_E_INPUT,
				 "statement: 'versions' are not in ascending order, or '%s' is there twice",
				 version.text);
	*before = version;
	return rc;
}

static int get_versions(struct iov_ctx *ctx, const json_t *json, struct iov_statement *ret)
{
	struct iov_version before = {.major = 0};
	int rc = iov_json_get_array(ctx, "statement", json, "versions", &ret->versions);
	size_t count = rc ? 0 : json_array_size(ret->versions);
	if (!rc && (!count || count > IOV_STATEMENT_VERSIONS_MAX))
		return iov_error(ctx, IOV_E_INPUT, "a statement is about 1 to %d releases, this one about %zu",
				 IOV_STATEMENT_VERSIONS_MAX, count);
	for (size_t i = 0; !rc && i < count; i++)
		rc = check_version(ctx, json_array_get(ret->versions, i), &before, i == 0);
	return rc;
}

static int get_text(struct iov_ctx *ctx, const json_t *json, struct iov_statement *ret)
{
	if (!ret->kind->text)
		return IOV_OK;
	int rc = iov_json_get_string(ctx, "statement", json, ret->kind->text, &ret->text);
	if (!rc && !iov_is_status_text(ret->text))
		return iov_error(ctx, IOV_E_INPUT, "statement: '%s' is not one line of at most %d bytes",
				 ret->kind->text, IOV_STATUS_TEXT_MAX);
	if (!rc && !strcmp(ret->kind->name, "deprecate"))
		rc = iov_json_opt_string(ctx, "statement", json, "successor", &ret->successor);
	if (!rc && ret->successor && !iov_is_name(ret->successor))
		return iov_error(ctx, IOV_E_INPUT, "statement: successor '%.80s' is no module's name", ret->successor);
	return rc;
}

static int read_members(struct iov_ctx *ctx, const json_t *json, struct iov_statement *ret)
{
	int rc = get_kind(ctx, json, ret);
	if (!rc)
		rc = iov_json_get_string(ctx, "statement", json, "name", &ret->name);
	if (!rc && !iov_is_name(ret->name))
		return iov_error(ctx, IOV_E_INPUT, "statement: '%.80s' is no module's name", ret->name);
	if (!rc)
		rc = iov_json_get_string(ctx, "statement", json, "origin", &ret->origin);
	if (!rc)
		rc = iov_json_get_uint(ctx, "statement", json, "since", &ret->since);
	if (!rc)
		rc = get_versions(ctx, json, ret);
	return rc ? rc : get_text(ctx, json, ret);
}

int iov_statement_read(struct iov_ctx *ctx, json_t *json, struct iov_statement *ret)
{
	struct iov_statement statement = {.json = json_incref(json)};
	int rc = read_members(ctx, json, &statement);
	if (rc)
		iov_statement_release(&statement);
	else
		*ret = statement;
	return rc;
}

void iov_statement_release(struct iov_statement *statement)
{
	json_decref(statement->json);
	json_decref(statement->signatures);
	*statement = (struct iov_statement){.json = NULL};
}

static char *signed_text(const struct iov_statement *statement)
{
	struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(statement->json);
	if (!canonical)
		return NULL;
	iov_buf_printf(&text, "%s\n", canonical);
	return iov_buf_take(&text);
}

/* The log keeps the document, and its canonical form is what readers check the signature over. */
static int check_canonical(struct iov_ctx *ctx, const struct iov_statement *statement, const char *expected)
{
	iov_auto(iov_free_ptr) char *text = signed_text(statement);
	if (!text)
		return iov_oom(ctx);
	if (strcmp(text, expected) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "the signed statement is not canonical JSON; sign it with iovpkg");
	return IOV_OK;
}

int iov_statement_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_statement *ret)
{
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_json_release) json_t *json = NULL;
	iov_auto(iov_statement_release) struct iov_statement statement = {.json = NULL};
	int rc = iov_note_parse(ctx, what, data, len, &note);
	if (!rc)
		rc = iov_json_parse(ctx, what, note.text, note.len, IOV_EVENT_NOTE_MAX, &json);
	if (!rc)
		rc = iov_statement_read(ctx, json, &statement);
	if (!rc)
		rc = check_canonical(ctx, &statement, note.text);
	if (rc)
		return rc;
	statement.signatures = iov_note_lines(data, len, note.len);
	if (!statement.signatures)
		return iov_oom(ctx);
	*ret = statement;
	statement = (struct iov_statement){.json = NULL};
	return IOV_OK;
}

/* ---- making ---- */

json_t *iov_statement_make(const struct iov_statement_kind *kind, const char *name, const char *origin,
			   const char *text, const char *successor, json_t *versions, uint64_t since)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:i, s:I, s:O}", "kind", kind->name, "name", name, "origin", origin,
				 "schema", SCHEMA, "since", (json_int_t)since, "versions", versions);
	if (json && kind->text)
		json_object_set_new(json, kind->text, json_string(text));
	if (json && successor)
		json_object_set_new(json, "successor", json_string(successor));
	return json;
}

int iov_statement_note(struct iov_ctx *ctx, json_t *json, const struct iov_signer *signer, struct iov_buf *ret_note)
{
	iov_auto(iov_statement_release) struct iov_statement statement = {.json = NULL};
	int rc = iov_statement_read(ctx, json, &statement);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *text = signed_text(&statement);
	if (!text)
		return iov_oom(ctx);
	if (strlen(text) > IOV_EVENT_NOTE_MAX / 2)
		return iov_error(ctx, IOV_E_INPUT,
				 "the statement about '%s' has %zu bytes, more than %u; name fewer releases",
				 statement.name, strlen(text), IOV_EVENT_NOTE_MAX / 2);
	return iov_note_make(ctx, text, &signer, 1, ret_note);
}

/* ---- who may say so ---- */

static bool signed_by_owner(struct iov_root *const *roots, size_t n_roots, const struct iov_statement *statement,
			    const char *text)
{
	for (size_t i = 0; i < n_roots; i++)
		if (iov_role_signed_lines(&roots[i]->root, statement->signatures, text, strlen(text), NULL))
			return true;
	return false;
}

int iov_statement_check_signers(struct iov_ctx *ctx, struct iov_root *const *roots, size_t n_roots,
				const struct iov_statement *statement, uint64_t log)
{
	const struct iov_root *root = roots[n_roots - 1];
	iov_auto(iov_judgement_release) struct iov_judgement judgement = {.names = NULL};
	iov_auto(iov_free_ptr) char *text = signed_text(statement);
	if (!text)
		return iov_oom(ctx);
	if (strcmp(statement->origin, root->origin) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "the statement about '%s' was signed for registry '%.140s', and this one is '%s'",
				 statement->name, statement->origin, root->origin);
	int rc = iov_publishers_judge(ctx, root, statement->name, statement->signatures, text, log, &judgement);
	if (rc || judgement.verdict == IOV_SIGNED_WELL || signed_by_owner(roots, n_roots, statement, text))
		return rc;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "that '%s' is %s is signed neither by a publisher of that name nor by the owner of registry "
			 "'%s' (wrong publisher%s); sign with such a key",
			 statement->name, statement->kind->words, root->origin,
			 judgement.verdict == IOV_SIGNED_TOO_LATE ? ": a stolen or retired key" : "");
}
