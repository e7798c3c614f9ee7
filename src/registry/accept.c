#include "registry/accept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/fault.h"
#include "core/refusal.h"
#include "registry/admin.h"
#include "registry/clock.h"
#include "registry/host.h"
#include "registry/publish.h"
#include "registry/submission.h"
#include "registry/turn.h"
#include "registry/verdict.h"
#include "util/cleanup.h"

/* ---- one submission ---- */

const char *iov_accept_subject(const struct iov_accept *accept)
{
	const struct iov_submission *submission = &accept->submission;
	if (submission->statement.kind)
		return submission->statement.name;
	return submission->release ? submission->release->manifest->name : accept->sha256;
}

static int apply(struct iov_ctx *ctx, void *cookie)
{
	struct iov_accept *accept = cookie;
	const struct iov_statement *statement = &accept->submission.statement;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	accept->now = time(NULL);
	int rc = iov_host_open(ctx, accept->path, &host);
	if (rc)
		return rc;
	if (!statement->kind)
		return iov_accept_release(ctx, &host, accept);
	return iov_accept_statement(ctx, &host, accept->signer, statement, accept->now, &accept->known, &accept->log);
}

int iov_accept_one(struct iov_ctx *ctx, struct iov_accept *accept)
{
	char now[IOV_TIME_SIZE];
	struct iov_source source = iov_source_git(accept->path, accept->commit);
	accept->now = time(NULL);
	iov_time_text(accept->now, now);
	if (!iov_is_sha256_hex(accept->sha256))
		return iov_error(ctx, IOV_E_INPUT, "'" IOV_INCOMING_REFS "%s' is not named by a SHA-256",
				 accept->sha256);
	int rc = iov_submission_read(ctx, &source, accept->sha256, now, &accept->submission);
	if (!rc)
		rc = iov_fault(ctx, "submission read");
	return rc ? rc : iov_turn(ctx, accept->path, apply, accept);
}

void iov_accept_end(struct iov_accept *accept)
{
	iov_submission_release(&accept->submission);
}

/* ---- those that wait ---- */

/* One walk over what waits. */
struct walk {
	const char *path;
	const struct iov_signer *signer;
	bool only;     /* one submission was asked for: its refusal is the answer */
	bool verdicts; /* refusals are told on refs of their own */
	json_t *result;
	char *origin; /* of the registry; owned */
};

static void walk_release(struct walk *walk)
{
	free(walk->origin);
	json_decref(walk->result);
}

/* Somebody else may have been faster to clean up; and what took its place meanwhile waits for its own turn. */
static int drop(struct iov_ctx *ctx, const char *path, const char *ref, const char *commit)
{
	int rc = iov_git_delete_ref_at(ctx, path, ref, commit);
	return rc && rc != IOV_E_NOT_FOUND && rc != IOV_E_BUSY ? rc : iov_fault(ctx, "submission dropped");
}

static int note_accepted(struct iov_ctx *ctx, const struct walk *walk, const struct iov_accept *accept)
{
	const struct iov_submission *submission = &accept->submission;
	const struct iov_statement *statement = &submission->statement;
	json_t *item = json_pack("{s:b, s:s, s:I, s:s, s:s}", "again", accept->known, "kind",
				 statement->kind ? statement->kind->name : "publish", "log", (json_int_t)accept->log,
				 "name", iov_accept_subject(accept), "sha256", accept->sha256);
	if (statement->kind)
		json_object_set(item, "versions", statement->versions);
	else
		json_object_set_new(item, "version", json_string(submission->release->manifest->version.text));
	return json_array_append_new(json_object_get(walk->result, "accepted"), item) ? iov_oom(ctx) : IOV_OK;
}

static int note_refused(struct iov_ctx *ctx, const struct walk *walk, const struct iov_accept *accept)
{
	json_t *item = json_pack("{s:s, s:s, s:s}", "name", iov_accept_subject(accept), "reason", iov_error_text(ctx),
				 "sha256", accept->sha256);
	return json_array_append_new(json_object_get(walk->result, "refused"), item) ? iov_oom(ctx) : IOV_OK;
}

static int write_verdict(struct iov_ctx *ctx, const struct walk *walk, const struct iov_accept *accept)
{
	iov_auto(iov_free_ptr) char *reason = strdup(iov_error_text(ctx));
	if (!reason)
		return iov_oom(ctx);
	const struct iov_verdict verdict = {.origin = walk->origin,
					    .sha256 = accept->sha256,
					    .code = iov_error_code(ctx),
					    .reason = reason,
					    .now = accept->now};
	return iov_verdict_write(ctx, walk->path, walk->signer, &verdict);
}

static int refuse(struct iov_ctx *ctx, const struct walk *walk, const char *ref, const struct iov_accept *accept)
{
	if (walk->only) {
		struct iov_saved_error saved = iov_error_save(ctx);
		drop(ctx, walk->path, ref, accept->commit);
		return iov_error_restore(ctx, saved);
	}
	int rc = note_refused(ctx, walk, accept);
	if (!rc && walk->verdicts)
		rc = write_verdict(ctx, walk, accept);
	return rc ? rc : drop(ctx, walk->path, ref, accept->commit);
}

/* A failure that the submission is not to blame for leaves it waiting. */
static int settle(struct iov_ctx *ctx, const struct walk *walk, const char *ref, const char *commit)
{
	struct iov_accept accept = {.path = walk->path,
				    .signer = walk->signer,
				    .commit = commit,
				    .sha256 = ref + strlen(IOV_INCOMING_REFS)};
	int rc = iov_accept_one(ctx, &accept);
	if (!rc) {
		rc = note_accepted(ctx, walk, &accept);
		if (!rc && walk->verdicts)
			rc = iov_verdict_drop(ctx, walk->path, accept.sha256);
		rc = rc ? rc : drop(ctx, walk->path, ref, commit);
	} else if (iov_is_refusal(rc)) {
		rc = refuse(ctx, walk, ref, &accept);
	}
	iov_accept_end(&accept);
	return rc;
}

/* Nothing is judged by a registry that is itself broken, or with a key that may not sign for it. */
static int check_host(struct iov_ctx *ctx, struct walk *walk)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_host_open(ctx, walk->path, &host);
	if (!rc)
		rc = iov_head_make(ctx, &host.head, host.root, walk->signer, &note);
	if (!rc && !(walk->origin = strdup(host.root->origin)))
		rc = iov_oom(ctx);
	return rc;
}

/* It was asked for, and somebody else has settled it. */
static int gone(struct iov_ctx *ctx, const struct walk *walk, const char *sha256)
{
	char ref[IOV_REF_MAX], commit[IOV_COMMIT_SIZE];
	snprintf(ref, sizeof(ref), IOV_PACKAGE_REFS "%.64s", sha256);
	int rc = iov_git_resolve(ctx, walk->path, ref, commit);
	if (rc == IOV_E_NOT_FOUND)
		return iov_error(ctx, rc, "no submission of archive %s waits at '%s'; publish it again", sha256,
				 walk->path);
	if (!rc && json_array_append_new(json_object_get(walk->result, "accepted"),
					 json_pack("{s:b, s:s}", "again", 1, "sha256", sha256)))
		return iov_oom(ctx);
	return rc;
}

/* One that cannot be settled now keeps none behind it waiting; the first such failure is the answer. */
static int settle_each(struct iov_ctx *ctx, const struct walk *walk, char *lines, size_t *ret_taken)
{
	struct iov_saved_error first = {.code = IOV_OK};
	for (char *line; lines && (line = strsep(&lines, "\n"));) {
		char *commit = strchr(line, ' ');
		if (!commit)
			continue;
		*commit++ = '\0';
		(*ret_taken)++;
		if (settle(ctx, walk, line, commit) && !first.code)
			first = iov_error_save(ctx);
	}
	return first.code ? iov_error_restore(ctx, first) : IOV_OK;
}

static int take_all(struct iov_ctx *ctx, const struct walk *walk, const char *sha256)
{
	char prefix[IOV_REF_MAX];
	size_t taken = 0;
	iov_auto(iov_buf_release) struct iov_buf refs = {0};
	snprintf(prefix, sizeof(prefix), IOV_INCOMING_REFS "%.64s", sha256 ? sha256 : "");
	int rc = iov_git_refs(ctx, walk->path, prefix, &refs);
	if (!rc)
		rc = settle_each(ctx, walk, refs.data, &taken);
	return !rc && !taken && sha256 ? gone(ctx, walk, sha256) : rc;
}

static int take_in(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer, const char *sha256,
		   bool verdicts, json_t **ret)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(walk_release) struct walk walk = {.signer = signer, .only = sha256 != NULL, .verdicts = verdicts};
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (!rc && !local)
		return iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; accept where the repository is", path);
	walk.path = place;
	walk.result = json_pack("{s:[], s:[]}", "accepted", "refused");
	if (!rc && !walk.result)
		rc = iov_oom(ctx);
	if (!rc)
		rc = check_host(ctx, &walk);
	if (!rc)
		rc = take_all(ctx, &walk, sha256);
	if (!rc && ret)
		*ret = iov_take(walk.result);
	return rc;
}

int iov_registry_take_in(struct iov_ctx *ctx, const char *path, const struct iov_signer *registry, const char *sha256,
			 json_t **ret)
{
	return take_in(ctx, path, registry, sha256, false, ret);
}

int iov_registry_take_all(struct iov_ctx *ctx, const char *path, const struct iov_signer *registry, bool verdicts,
			  json_t **ret)
{
	return take_in(ctx, path, registry, NULL, verdicts, ret);
}
