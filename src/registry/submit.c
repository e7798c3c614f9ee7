#include "registry/publish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/fault.h"
#include "registry/admin.h"
#include "registry/changes.h"
#include "registry/host.h"
#include "registry/scratch.h"
#include "registry/sparse.h"
#include "registry/submission.h"
#include "registry/turn.h"
#include "util/cleanup.h"
#include "util/fs.h"

struct submit {
	char ref[IOV_REF_MAX];
	char message[IOV_NAME_MAX + IOV_VERSION_MAX + 16];
	struct iov_changes files;
};

static void submit_release(struct submit *submit)
{
	iov_changes_release(&submit->files);
}

static int read_archive(struct iov_ctx *ctx, const char *path, struct submit *submit)
{
	iov_auto(iov_buf_release) struct iov_buf archive = {0};
	int err = iov_fs_read(path, IOV_ARCHIVE_MAX, &archive);
	if (err == -EFBIG)
		return iov_error(ctx, IOV_E_INPUT, "archive '%s' has more than the %u MiB that a release may have",
				 path, IOV_ARCHIVE_MAX >> 20);
	if (err)
		return iov_error_errno(ctx, err, "cannot read archive '%s'", path);
	return iov_changes_put(ctx, &submit->files, IOV_ARCHIVE_PATH, archive.data, archive.len);
}

static int prepare(struct iov_ctx *ctx, json_t *record, const struct iov_buf *note, const char *archive,
		   struct submit *submit)
{
	json_t *described = NULL, *manifest = NULL;
	const char *sha256 = "", *name = "", *version = "";
	int rc = iov_json_get_object(ctx, "release", record, "archive", &described);
	if (!rc)
		rc = iov_json_get_object(ctx, "release", record, "manifest", &manifest);
	if (!rc)
		rc = iov_json_get_string(ctx, "archive", described, "sha256", &sha256);
	if (!rc)
		rc = iov_json_get_string(ctx, "manifest", manifest, "name", &name);
	if (!rc)
		rc = iov_json_get_string(ctx, "manifest", manifest, "version", &version);
	if (!rc)
		rc = iov_changes_put(ctx, &submit->files, IOV_RELEASE_NOTE_PATH, note->data, note->len);
	if (rc)
		return rc;
	snprintf(submit->ref, sizeof(submit->ref), IOV_INCOMING_REFS "%.64s", sha256);
	snprintf(submit->message, sizeof(submit->message), "submit %.64s %.127s", name, version);
	return read_archive(ctx, archive, submit);
}

/* Without a parent and a time of its own: the same submission is the same commit. */
static int commit(struct iov_ctx *ctx, const char *repo, const struct submit *submit)
{
	char id[IOV_COMMIT_SIZE];
	return iov_git_commit(ctx, repo, submit->ref, NULL, submit->files.files, submit->files.count, submit->message,
			      0, id);
}

/* Does the very same submission wait there already, of an earlier try or of somebody who publishes it right now? */
static bool waits_already(struct iov_ctx *ctx, const char *path, const struct submit *submit)
{
	char waiting[IOV_COMMIT_SIZE];
	bool same = iov_git_resolve(ctx, path, submit->ref, waiting) == IOV_OK;
	for (size_t i = 0; i < submit->files.count && same; i++) {
		const struct iov_git_file *file = &submit->files.files[i];
		iov_auto(iov_buf_release) struct iov_buf there = {0};
		same = iov_git_read(ctx, path, waiting, file->path, file->len, &there) == IOV_OK &&
		       there.len == file->len && !memcmp(there.data, file->data, file->len);
	}
	return same;
}

/* What else an earlier try left under the same name is replaced. */
static int put_in_queue(struct iov_ctx *ctx, const char *path, const struct submit *submit)
{
	int rc = IOV_E_BUSY;
	for (int tries = 0; tries < IOV_TURN_TRIES && rc == IOV_E_BUSY; tries++) {
		rc = commit(ctx, path, submit);
		if (rc != IOV_E_BUSY)
			return rc;
		if (waits_already(ctx, path, submit))
			return IOV_OK;
		iov_turn_pause((unsigned)tries);
		int gone = iov_git_delete_ref(ctx, path, submit->ref);
		rc = gone && gone != IOV_E_NOT_FOUND ? gone : IOV_E_BUSY;
	}
	return rc;
}

static int submit_here(struct iov_ctx *ctx, const char *path, const struct submit *submit)
{
	char main_commit[IOV_COMMIT_SIZE];
	int rc = iov_git_resolve(ctx, path, IOV_MAIN_REF, main_commit);
	if (rc == IOV_E_NOT_FOUND)
		return iov_error(ctx, rc, "'%s' is no registry; make one with 'iovpkg registry init %s'", path, path);
	if (!rc)
		rc = put_in_queue(ctx, path, submit);
	return rc ? rc : iov_fault(ctx, "submission waits");
}

/* What the server and its hook say beside the protocol, in one line. */
static void pass_on(struct iov_ctx *ctx, const char *url, struct iov_buf *words)
{
	size_t len = words->len;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)words->data[i] < ' ' || words->data[i] == 127)
			words->data[i] = ' ';
	while (len && words->data[len - 1] == ' ')
		len--;
	if (len)
		iov_note(ctx, "'%s' says: %.*s", url, (int)len, words->data);
}

/* The commit is made in a repository of its own and pushed from there. */
static int submit_there(struct iov_ctx *ctx, const char *url, const struct submit *submit)
{
	iov_auto(iov_free_ptr) char *repo = NULL;
	iov_auto(iov_buf_release) struct iov_buf words = {0};
	int rc = iov_scratch_make(ctx, &repo);
	if (rc)
		return rc;
	rc = commit(ctx, repo, submit);
	if (!rc)
		rc = iov_fault(ctx, "submission committed");
	if (!rc)
		rc = iov_git_push(ctx, repo, url, submit->ref, submit->ref, &words);
	if (!rc)
		rc = iov_fault(ctx, "submission pushed");
	if (!rc)
		pass_on(ctx, url, &words);
	iov_scratch_remove(ctx, repo);
	return rc;
}

static int submit(struct iov_ctx *ctx, const char *url, const struct submit *submit)
{
	bool local;
	iov_auto(iov_free_ptr) char *target = NULL;
	int rc = iov_registry_locate(ctx, url, &local, &target);
	if (!rc && iov_sparse_is(target))
		rc = iov_error(ctx, IOV_E_USAGE,
			       "'%s' is for reading only; publish to the git repository that it is made from", url);
	if (rc)
		return rc;
	return local ? submit_here(ctx, target, submit) : submit_there(ctx, target, submit);
}

int iov_registry_submit_note(struct iov_ctx *ctx, const char *url, json_t *release, const struct iov_buf *note,
			     const char *archive)
{
	iov_auto(submit_release) struct submit submission = {.files = {0}};
	int rc = prepare(ctx, release, note, archive, &submission);
	return rc ? rc : submit(ctx, url, &submission);
}

int iov_registry_submit(struct iov_ctx *ctx, const char *url, json_t *release, const char *archive,
			const struct iov_signer *publisher)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_submission_note(ctx, release, publisher, &note);
	return rc ? rc : iov_registry_submit_note(ctx, url, release, &note, archive);
}

int iov_registry_submit_statement(struct iov_ctx *ctx, const char *url, const struct iov_buf *note,
				  char ret_sha256[IOV_HEX_SIZE])
{
	iov_auto(submit_release) struct submit submission = {.message = "submit a statement"};
	iov_sha256_hex(note->data, note->len, ret_sha256);
	snprintf(submission.ref, sizeof(submission.ref), IOV_INCOMING_REFS "%.64s", ret_sha256);
	int rc = iov_changes_put(ctx, &submission.files, IOV_EVENT_NOTE_PATH, note->data, note->len);
	return rc ? rc : submit(ctx, url, &submission);
}
