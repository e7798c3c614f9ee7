#include "registry/verdict.h"

#include <stdio.h>
#include <string.h>

#include "core/refusal.h"
#include "registry/clock.h"
#include "registry/submission.h"
#include "util/cleanup.h"

static void ref_of(const char *sha256, char ret[IOV_REF_MAX])
{
	snprintf(ret, IOV_REF_MAX, IOV_VERDICT_REFS "%.64s", sha256);
}

static int make_note(struct iov_ctx *ctx, const struct iov_signer *signer, const struct iov_verdict *verdict,
		     struct iov_buf *ret)
{
	char time[IOV_TIME_SIZE];
	iov_auto(iov_buf_release) struct iov_buf reason = {0};
	iov_time_text(verdict->now, time);
	iov_buf_printf(&reason, "%s: %.8192s", iov_refusal_word(verdict->code), verdict->reason);
	if (iov_buf_failed(&reason))
		return iov_oom(ctx);
	iov_auto(iov_json_release) json_t *json =
		json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "kind", "verdict", "origin", verdict->origin, "reason",
			  reason.data, "schema", 1, "sha256", verdict->sha256, "time", time);
	return json ? iov_submission_note(ctx, json, signer, ret) : iov_oom(ctx);
}

int iov_verdict_drop(struct iov_ctx *ctx, const char *path, const char *sha256)
{
	char ref[IOV_REF_MAX];
	ref_of(sha256, ref);
	int rc = iov_git_delete_ref(ctx, path, ref);
	return rc == IOV_E_NOT_FOUND ? IOV_OK : rc;
}

int iov_verdict_write(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer,
		      const struct iov_verdict *verdict)
{
	char ref[IOV_REF_MAX];
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	ref_of(verdict->sha256, ref);
	int rc = make_note(ctx, signer, verdict, &note);
	if (!rc)
		rc = iov_verdict_drop(ctx, path, verdict->sha256);
	const struct iov_git_file file = {.path = IOV_VERDICT_PATH, .data = note.data, .len = note.len};
	return rc ? rc : iov_git_commit(ctx, path, ref, NULL, &file, 1, "verdict", verdict->now, NULL);
}

static int wrong(struct iov_ctx *ctx, const char *why)
{
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "the verdict on the submission %s; whoever may write to the registry's "
			 "repository may have made it, ask the registry's host",
			 why);
}

/* All of the document's members that say what it is about. */
static bool is_about(const json_t *json, const char *origin, const char *sha256)
{
	const struct {
		const char *key, *value;
	} expected[] = {{"kind", "verdict"}, {"origin", origin}, {"sha256", sha256}};
	for (size_t i = 0; i < IOV_COUNT(expected); i++) {
		const char *value = json_string_value(json_object_get(json, expected[i].key));
		if (!value || strcmp(value, expected[i].value) != 0)
			return false;
	}
	return true;
}

int iov_verdict_tell(struct iov_ctx *ctx, const struct iov_root *root, const char *sha256, const struct iov_buf *note)
{
	const char *reason = NULL, *text;
	iov_auto(iov_note_text_release) struct iov_note_text parsed = {0};
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_note_parse(ctx, IOV_VERDICT_PATH, note->data, note->len, &parsed);
	if (!rc)
		rc = iov_role_check(ctx, &root->registry, &parsed, "the verdict on the submission",
				    "its root names for the registry");
	if (!rc)
		rc = iov_json_parse(ctx, IOV_VERDICT_PATH, parsed.text, parsed.len, IOV_VERDICT_MAX, &json);
	if (!rc && !is_about(json, root->origin, sha256))
		rc = wrong(ctx, "is about another one");
	if (!rc)
		rc = iov_json_get_string(ctx, IOV_VERDICT_PATH, json, "reason", &reason);
	if (rc)
		return rc;
	int code = iov_refusal_code(reason, &text);
	return iov_error(ctx, code ? code : IOV_E_CONFLICT, "registry '%s' refuses it: %s", root->origin, text);
}
