/* key sign: one more signature on a document that was prepared for several. */
#include <stdio.h>
#include <string.h>

#include "ops/edit.h"
#include "ops/keys.h"
#include "ops/sign.h"
#include "sign/note.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define KEPT 0644 /* the mode of a signed document: it is no secret */

static bool is_statement(const char *kind)
{
	static const char *const kinds[] = {"yank", "unyank", "deprecate"};
	for (size_t i = 0; kind && i < IOV_COUNT(kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return true;
	return false;
}

/* Nobody should sign what he cannot read: only documents whose meaning can be told are signed. */
static int subject_of(struct iov_ctx *ctx, const char *file, const json_t *json, char **ret)
{
	const json_t *manifest = json_object_get(json, "manifest");
	const char *kind = json_string_value(json_object_get(json, "kind")), *verb = "release";
	const json_t *named = manifest;
	if (kind && !strcmp(kind, "root"))
		return iov_error(
			ctx, IOV_E_USAGE,
			"'%s' is a root; sign it with 'iovpkg registry root sign %s', which shows what it changes",
			file, file);
	if (is_statement(kind)) {
		verb = kind;
		named = json;
	}
	const char *name = json_string_value(json_object_get(named, "name"));
	const char *version = json_string_value(json_object_get(named, "version"));
	if (!name || !version)
		return iov_error(ctx, IOV_E_INPUT,
				 "'%s' is no release or statement that iovpkg prepared; it is not signed", file);
	return asprintf(ret, "%s %s %s", verb, name, version) < 0 ? iov_oom(ctx) : IOV_OK;
}

int iov_prepared_read(struct iov_ctx *ctx, const char *file, struct iov_buf *ret_bytes, json_t **ret_json)
{
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	int err = iov_fs_read(file, IOV_NOTE_MAX, ret_bytes);
	if (err)
		return iov_error_errno(ctx, err, "cannot read '%s'", file);
	int rc = iov_note_parse_prepared(ctx, file, ret_bytes->data, ret_bytes->len, &note);
	return rc ? rc : iov_json_parse(ctx, file, note.text, note.len, IOV_NOTE_MAX, ret_json);
}

int iov_prepared_sign(struct iov_ctx *ctx, const char *file, const struct iov_buf *bytes,
		      const struct iov_signer *signer, const char *subject, json_t **ret)
{
	iov_auto(iov_buf_release) struct iov_buf out = {0};
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	bool again = false;
	int rc = iov_note_cosign(ctx, file, bytes->data, bytes->len, signer, &out, &again);
	if (!rc)
		rc = iov_note_parse(ctx, file, out.data, out.len, &note);
	if (rc)
		return rc;
	int err = again ? 0 : iov_fs_replace(file, out.data, out.len, KEPT);
	if (err)
		return iov_error_errno(ctx, err, "cannot write '%s'", file);
	*ret = json_pack("{s:b, s:s, s:s, s:I, s:s}", "again", again, "file", file, "key", signer->verifier.name,
			 "signatures", (json_int_t)note.n_signatures, "subject", subject);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_key_sign(struct iov_ctx *ctx, const char *file, const char *key, char **ret_json)
{
	iov_auto(iov_buf_release) struct iov_buf bytes = {0};
	iov_auto(iov_json_release) json_t *document = NULL;
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_free_ptr) char *subject = NULL;
	json_t *answer = NULL;
	int rc = iov_prepared_read(ctx, file, &bytes, &document);
	if (!rc)
		rc = subject_of(ctx, file, document, &subject);
	if (!rc)
		rc = iov_keys_load(ctx, key, &signer);
	if (!rc)
		rc = iov_prepared_sign(ctx, file, &bytes, &signer, subject, &answer);
	return rc ? rc : iov_answer(ctx, answer, ret_json);
}
