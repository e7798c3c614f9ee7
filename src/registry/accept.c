#include "registry/publish.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/step.h"
#include "registry/accept.h"
#include "registry/admin.h"
#include "registry/clock.h"
#include "registry/event.h"
#include "registry/host.h"
#include "registry/submission.h"
#include "util/cleanup.h"

/* One submission on its way into one registry. */
struct accept {
	const char *path; /* of the repository */
	const struct iov_signer *signer;
	struct iov_submission submission;
	char published[IOV_TIME_SIZE];
	int64_t now;
	uint64_t log; /* where it is in the log, once it is in */
	bool known;   /* it was there already */
};

static void accept_release(struct accept *accept)
{
	iov_submission_release(&accept->submission);
}

/* ---- judging it against what the registry holds ---- */

/* The name in a signature line "— NAME BASE64"; whose it claims to be. */
static void add_claimed(struct iov_buf *names, const char *line)
{
	const char *name = strchr(line, ' ');
	if (name)
		iov_buf_printf(names, "%s'%.*s'", names->len ? ", " : "", (int)strcspn(name + 1, " "), name + 1);
}

static int wrong_publisher(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_role *role,
			   const struct iov_release *release)
{
	iov_auto(iov_buf_release) struct iov_buf allowed = {0};
	iov_auto(iov_buf_release) struct iov_buf claimed = {0};
	const json_t *lines = json_object_get(release->json, "signatures");
	for (size_t i = 0; role && i < role->n_keys; i++)
		iov_buf_printf(&allowed, "%s'%s'", i ? ", " : "", role->keys[i].name);
	for (size_t i = 0; i < json_array_size(lines); i++)
		add_claimed(&claimed, json_string_value(json_array_get(lines, i)));
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "'%s' %s is signed by %s, but for that name registry '%s' needs a good signature of %s; sign "
			 "with such a key, or ask "
			 "the registry's host to add yours to its root",
			 release->manifest->name, release->manifest->version.text,
			 claimed.data ? claimed.data : "nobody", root->origin,
			 allowed.data ? allowed.data : "a key that its root does not name yet");
}

static int check_publisher(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_release *release)
{
	const struct iov_role *role = iov_root_publishers(root, release->manifest->name);
	iov_auto(iov_free_ptr) char *text = iov_release_signed_text(release);
	if (!text)
		return iov_oom(ctx);
	if (role && iov_role_signed_lines(role, json_object_get(release->json, "signatures"), text, strlen(text), NULL))
		return IOV_OK;
	return wrong_publisher(ctx, root, role, release);
}

/* IOV_E_CONFLICT for other bytes under a published version; `known` for the same ones. Build metadata makes no other
 * version. */
static int check_version(struct iov_ctx *ctx, const struct iov_index *index, const struct iov_release *release,
			 bool *ret_known, uint64_t *ret_log)
{
	for (size_t i = 0; i < index->count; i++) {
		const struct iov_release *other = index->releases[i];
		if (iov_version_compare(&other->manifest->version, &release->manifest->version))
			continue;
		*ret_known = !strcmp(other->sha256, release->sha256);
		*ret_log = other->log;
		if (*ret_known)
			return IOV_OK;
		return iov_error(ctx, IOV_E_CONFLICT,
				 "'%s' %s is published already with other bytes (archive %s); a published version "
				 "never changes, raise the version",
				 release->manifest->name, other->manifest->version.text, other->sha256);
	}
	return IOV_OK;
}

int iov_registry_foresee(struct iov_ctx *ctx, const char *path, const struct iov_release *release)
{
	bool known = false;
	uint64_t log;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_index_release) struct iov_index index = {0};
	int rc = iov_host_open(ctx, path, &host);
	if (!rc)
		rc = iov_host_index(ctx, &host, release->manifest->name, &text, &index);
	if (!rc)
		rc = check_version(ctx, &index, release, &known, &log);
	return rc || known ? rc : iov_release_check_step(ctx, release, index.releases, index.count);
}

/* ---- writing it ---- */

static int add_line(struct iov_ctx *ctx, const struct iov_host *host, struct accept *accept, struct iov_buf *index)
{
	json_t *old = accept->submission.release->json;
	struct iov_release *release = NULL;
	iov_auto(iov_json_release) json_t *line =
		iov_index_line(json_object_get(old, "release"), json_object_get(old, "signatures"), host->head.log_size,
			       accept->published);
	iov_auto(iov_free_ptr) char *text = line ? iov_json_canonical(line) : NULL;
	if (!text)
		return iov_oom(ctx);
	if (strlen(text) > IOV_INDEX_LINE_MAX || index->len + strlen(text) + 1 > IOV_INDEX_MAX)
		return iov_error(ctx, IOV_E_INPUT,
				 "the index of '%s' would have more than its %u MiB, or its line more than %u KiB",
				 accept->submission.release->manifest->name, IOV_INDEX_MAX >> 20,
				 IOV_INDEX_LINE_MAX >> 10);
	int rc = iov_release_from_json(ctx, line, &release);
	if (rc)
		return rc;
	iov_release_free(accept->submission.release);
	accept->submission.release = release;
	accept->log = release->log;
	iov_buf_puts(index, text);
	iov_buf_puts(index, "\n");
	return iov_buf_failed(index) ? iov_oom(ctx) : IOV_OK;
}

static int append_event(struct iov_ctx *ctx, struct iov_host *host, const struct iov_release *release,
			struct iov_changes *changes)
{
	iov_auto(iov_free_ptr) char *leaf = NULL;
	int rc = iov_event_publish(ctx, release, host->head.manifest, &leaf);
	return rc ? rc : iov_host_log(ctx, host, leaf, changes);
}

/* The archive's ref comes first: whoever sees the index line can fetch the archive. The commit is the same whoever
 * makes it. */
static int store_archive(struct iov_ctx *ctx, const struct accept *accept)
{
	char ref[IOV_REF_MAX], commit[IOV_COMMIT_SIZE];
	const struct iov_buf *archive = &accept->submission.archive;
	const struct iov_git_file file = {.path = IOV_ARCHIVE_PATH, .data = archive->data, .len = archive->len};
	snprintf(ref, sizeof(ref), IOV_PACKAGE_REFS "%s", accept->submission.sha256);
	int rc = iov_git_commit(ctx, accept->path, ref, NULL, &file, 1, accept->submission.sha256, 0, commit);
	return rc == IOV_E_BUSY ? IOV_OK : rc;
}

static int write_release(struct iov_ctx *ctx, struct iov_host *host, struct accept *accept, struct iov_buf *index)
{
	char commit[IOV_COMMIT_SIZE], message[IOV_NAME_MAX + IOV_VERSION_MAX + 16];
	const struct iov_manifest *manifest = accept->submission.release->manifest;
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	snprintf(message, sizeof(message), "publish %s %s", manifest->name, manifest->version.text);
	int rc = add_line(ctx, host, accept, index);
	if (!rc)
		rc = iov_host_list(ctx, host, accept->submission.release->manifest->name, index, &changes);
	if (!rc)
		rc = append_event(ctx, host, accept->submission.release, &changes);
	if (!rc)
		rc = store_archive(ctx, accept);
	return rc ? rc
		  : iov_host_commit(ctx, host, accept->signer, IOV_HEAD_DAYS, accept->now, &changes, message, commit);
}

static int try_statement(struct iov_ctx *ctx, struct accept *accept)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	int rc = iov_host_open(ctx, accept->path, &host);
	return rc ? rc
		  : iov_accept_statement(ctx, &host, accept->signer, &accept->submission.statement, accept->now,
					 &accept->known, &accept->log);
}

static int try_once(struct iov_ctx *ctx, struct accept *accept)
{
	if (accept->submission.statement.kind)
		return try_statement(ctx, accept);
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_index_release) struct iov_index index = {0};
	int rc = iov_host_open(ctx, accept->path, &host);
	if (!rc)
		rc = check_publisher(ctx, host.root, accept->submission.release);
	if (!rc)
		rc = iov_host_index(ctx, &host, accept->submission.release->manifest->name, &text, &index);
	if (!rc)
		rc = check_version(ctx, &index, accept->submission.release, &accept->known, &accept->log);
	if (!rc && !accept->known)
		rc = iov_release_check_step(ctx, accept->submission.release, index.releases, index.count);
	return rc || accept->known ? rc : write_release(ctx, &host, accept, &text);
}

/* ---- one submission ---- */

static int take_one(struct iov_ctx *ctx, const char *ref, const char *commit, struct accept *accept)
{
	struct iov_source source = iov_source_git(accept->path, commit);
	const char *sha256 = ref + strlen(IOV_INCOMING_REFS);
	snprintf(accept->submission.sha256, sizeof(accept->submission.sha256), "%s", sha256);
	if (!iov_is_sha256_hex(sha256))
		return iov_error(ctx, IOV_E_INPUT, "'%s' is not named by the SHA-256 of an archive or a note", ref);
	accept->now = time(NULL);
	iov_time_text(accept->now, accept->published);
	int rc = iov_submission_read(ctx, &source, sha256, accept->published, &accept->submission);
	if (rc)
		return rc;
	for (int tries = 0; tries < IOV_HOST_RETRIES; tries++) {
		rc = try_once(ctx, accept);
		if (rc != IOV_E_BUSY)
			break;
	}
	return rc;
}

/* Failures that the submission is to blame for; all others are the host's, and leave it waiting. */
static bool is_refusal(int rc)
{
	return rc == IOV_E_INPUT || rc == IOV_E_UNTRUSTED || rc == IOV_E_CONFLICT || rc == IOV_E_CONTRACT ||
	       rc == IOV_E_UNSUPPORTED;
}

/* Somebody else may have been faster to clean up. */
static int drop(struct iov_ctx *ctx, const char *path, const char *ref)
{
	int rc = iov_git_delete_ref(ctx, path, ref);
	return rc == IOV_E_NOT_FOUND || rc == IOV_E_BUSY ? IOV_OK : rc;
}

/* What a submission is about; its digest while nobody could read it. */
static const char *name_of(const struct iov_submission *submission)
{
	if (submission->statement.kind)
		return submission->statement.name;
	return submission->release ? submission->release->manifest->name : submission->sha256;
}

static int report_accepted(struct iov_ctx *ctx, json_t *list, const struct accept *accept)
{
	const struct iov_submission *submission = &accept->submission;
	const struct iov_statement *statement = &submission->statement;
	json_t *item = json_pack("{s:b, s:s, s:I, s:s, s:s}", "again", accept->known, "kind",
				 statement->kind ? statement->kind->name : "publish", "log", (json_int_t)accept->log,
				 "name", name_of(submission), "sha256", submission->sha256);
	if (statement->kind)
		json_object_set(item, "versions", statement->versions);
	else
		json_object_set_new(item, "version", json_string(submission->release->manifest->version.text));
	return json_array_append_new(list, item) ? iov_oom(ctx) : IOV_OK;
}

static int report_refused(struct iov_ctx *ctx, json_t *list, const struct accept *accept)
{
	json_t *item = json_pack("{s:s, s:s, s:s}", "name", name_of(&accept->submission), "reason", iov_error_text(ctx),
				 "sha256", accept->submission.sha256);
	return json_array_append_new(list, item) ? iov_oom(ctx) : IOV_OK;
}

static int drop_keeping_error(struct iov_ctx *ctx, const char *path, const char *ref)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	drop(ctx, path, ref);
	return iov_error_restore(ctx, saved);
}

/* A refusal is written down in `refused`; where one submission was asked for, it is the answer. */
static int settle(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer, const char *ref,
		  const char *commit, bool only, json_t *result)
{
	iov_auto(accept_release) struct accept accept = {.path = path, .signer = signer};
	int rc = take_one(ctx, ref, commit, &accept);
	if (!rc) {
		rc = report_accepted(ctx, json_object_get(result, "accepted"), &accept);
		return rc ? rc : drop(ctx, path, ref);
	}
	if (!is_refusal(rc))
		return rc;
	if (only)
		return drop_keeping_error(ctx, path, ref);
	rc = report_refused(ctx, json_object_get(result, "refused"), &accept);
	return rc ? rc : drop(ctx, path, ref);
}

/* ---- all that wait ---- */

/* Nothing is judged by a registry that is itself broken, or with a key that may not sign for it. */
static int check_host(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_host_open(ctx, path, &host);
	return rc ? rc : iov_head_make(ctx, &host.head, host.root, signer, &note);
}

static int gone(struct iov_ctx *ctx, const char *path, const char *sha256, json_t *result)
{
	char ref[IOV_REF_MAX], commit[IOV_COMMIT_SIZE];
	snprintf(ref, sizeof(ref), IOV_PACKAGE_REFS "%.64s", sha256);
	int rc = iov_git_resolve(ctx, path, ref, commit);
	if (rc == IOV_E_NOT_FOUND)
		return iov_error(ctx, rc, "no submission of archive %s waits at '%s'; publish it again", sha256, path);
	if (!rc && json_array_append_new(json_object_get(result, "accepted"),
					 json_pack("{s:b, s:s}", "again", 1, "sha256", sha256)))
		return iov_oom(ctx);
	return rc;
}

static int take_all(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer, const char *sha256,
		    json_t *result)
{
	char prefix[IOV_REF_MAX];
	size_t taken = 0;
	iov_auto(iov_buf_release) struct iov_buf refs = {0};
	snprintf(prefix, sizeof(prefix), IOV_INCOMING_REFS "%.64s", sha256 ? sha256 : "");
	int rc = iov_git_refs(ctx, path, prefix, &refs);
	char *rest = refs.data;
	for (char *line; !rc && rest && (line = strsep(&rest, "\n"));) {
		char *commit = strchr(line, ' ');
		if (!commit)
			continue;
		*commit++ = '\0';
		rc = settle(ctx, path, signer, line, commit, sha256 != NULL, result);
		taken++;
	}
	return !rc && !taken && sha256 ? gone(ctx, path, sha256, result) : rc;
}

int iov_registry_take_in(struct iov_ctx *ctx, const char *path, const struct iov_signer *registry, const char *sha256,
			 json_t **ret)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_json_release) json_t *result = json_pack("{s:[], s:[]}", "accepted", "refused");
	if (!result)
		return iov_oom(ctx);
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (!rc && !local)
		return iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; accept where the repository is", path);
	if (!rc)
		rc = check_host(ctx, place, registry);
	if (!rc)
		rc = take_all(ctx, place, registry, sha256, result);
	if (!rc && ret)
		*ret = iov_take(result);
	return rc;
}
