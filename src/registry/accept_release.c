/* A release: signed by a publisher of its name, of a version that is new, whose exports its version promises. */
#include <stdio.h>
#include <string.h>

#include "core/fault.h"
#include "core/step.h"
#include "registry/accept.h"
#include "registry/clock.h"
#include "registry/event.h"
#include "registry/host.h"
#include "registry/index.h"
#include "registry/log.h"
#include "registry/publish.h"
#include "registry/publishers.h"
#include "registry/submission.h"
#include "util/cleanup.h"

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

int iov_accept_check_publisher(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_release *release)
{
	iov_auto(iov_judgement_release) struct iov_judgement judgement = {.names = NULL};
	int rc = iov_release_judge(ctx, root, release, IOV_LOG_NOT_YET, &judgement);
	if (rc)
		return rc;
	if (judgement.verdict != IOV_SIGNED_WELL && !judgement.good)
		return wrong_publisher(ctx, root, iov_root_publishers(root, release->manifest->name), release);
	return iov_judgement_refuse(ctx, root->origin, root, release, &judgement);
}

int iov_accept_check_version(struct iov_ctx *ctx, const struct iov_index *index, const struct iov_release *release,
			     bool *ret_known, uint64_t *ret_log)
{
	for (size_t i = 0; i < index->count + index->n_stolen; i++) {
		const struct iov_release *other =
			i < index->count ? index->releases[i] : index->stolen[i - index->count];
		if (iov_version_compare(&other->manifest->version, &release->manifest->version))
			continue;
		*ret_known = i < index->count && !strcmp(other->sha256, release->sha256);
		*ret_log = other->log;
		if (*ret_known)
			return IOV_OK;
		return iov_error(ctx, IOV_E_CONFLICT,
				 "'%s' %s is published already with other bytes (archive %s); a published version "
				 "never changes, raise the version",
				 release->manifest->name, other->manifest->version.text, other->sha256);
	}
	*ret_known = false;
	return IOV_OK;
}

/* ---- writing it ---- */

static int add_line(struct iov_ctx *ctx, const struct iov_host *host, struct iov_accept *accept, struct iov_buf *index)
{
	json_t *old = accept->submission.release->json;
	struct iov_release *release = NULL;
	char published[IOV_TIME_SIZE];
	iov_time_text(accept->now, published);
	iov_auto(iov_json_release) json_t *line = iov_index_line(
		json_object_get(old, "release"), json_object_get(old, "signatures"), host->head.log_size, published);
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

/* Is what stands under the archive's ref already this archive, of an earlier try or of somebody who is faster? */
static int check_stored(struct iov_ctx *ctx, const struct iov_accept *accept, const char *ref)
{
	char commit[IOV_COMMIT_SIZE];
	const struct iov_buf *archive = &accept->submission.archive;
	iov_auto(iov_buf_release) struct iov_buf stored = {0};
	int rc = iov_git_resolve(ctx, accept->path, ref, commit);
	if (rc)
		return rc == IOV_E_NOT_FOUND ? IOV_E_BUSY : rc;
	rc = iov_git_read(ctx, accept->path, commit, IOV_ARCHIVE_PATH, archive->len, &stored);
	if (!rc && stored.len == archive->len && !memcmp(stored.data, archive->data, archive->len))
		return IOV_OK;
	return iov_error(ctx, IOV_E_IO,
			 "ref '%s' of '%s' is not the archive that it is named by; delete it ('git update-ref -d') and "
			 "accept again",
			 ref, accept->path);
}

/* The archive's ref comes first: whoever sees the index line can fetch the archive. The commit is the same whoever
 * makes it. */
static int store_archive(struct iov_ctx *ctx, const struct iov_accept *accept)
{
	char ref[IOV_REF_MAX], commit[IOV_COMMIT_SIZE];
	const struct iov_buf *archive = &accept->submission.archive;
	const struct iov_git_file file = {.path = IOV_ARCHIVE_PATH, .data = archive->data, .len = archive->len};
	snprintf(ref, sizeof(ref), IOV_PACKAGE_REFS "%s", accept->sha256);
	int rc = iov_git_commit(ctx, accept->path, ref, NULL, &file, 1, accept->sha256, 0, commit);
	if (rc == IOV_E_BUSY)
		rc = check_stored(ctx, accept, ref);
	return rc ? rc : iov_fault(ctx, "archive stored");
}

static int write_release(struct iov_ctx *ctx, struct iov_host *host, struct iov_accept *accept, struct iov_buf *index)
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
	if (!rc)
		rc = iov_host_commit(ctx, host, accept->signer, IOV_HEAD_DAYS, accept->now, &changes, message, commit);
	return rc ? rc : iov_fault(ctx, "release listed");
}

int iov_accept_release(struct iov_ctx *ctx, struct iov_host *host, struct iov_accept *accept)
{
	const struct iov_release *release = accept->submission.release;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_index_release) struct iov_index index = {0};
	int rc = iov_accept_check_publisher(ctx, host->root, release);
	if (!rc)
		rc = iov_host_index(ctx, host, release->manifest->name, &text, &index);
	if (!rc)
		rc = iov_accept_check_version(ctx, &index, release, &accept->known, &accept->log);
	if (!rc && !accept->known)
		rc = iov_release_check_step(ctx, release, index.releases, index.count);
	return rc || accept->known ? rc : write_release(ctx, host, accept, &text);
}
