#include "registry/submission.h"

#include <string.h>

#include "util/cleanup.h"

json_t *iov_index_line(json_t *record, json_t *signatures, uint64_t log, const char *published)
{
	return json_pack("{s:I, s:s, s:O, s:O, s:n}", "log", (json_int_t)log, "published", published, "release", record,
			 "signatures", signatures, "yanked");
}

int iov_submission_note(struct iov_ctx *ctx, json_t *record, const struct iov_signer *publisher, struct iov_buf *ret)
{
	iov_auto(iov_free_ptr) char *canonical = iov_json_canonical(record);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	if (!canonical)
		return iov_oom(ctx);
	iov_buf_printf(&text, "%s\n", canonical);
	return iov_buf_failed(&text) ? iov_oom(ctx) : iov_note_make(ctx, text.data, &publisher, 1, ret);
}

void iov_submission_release(struct iov_submission *submission)
{
	iov_release_free(submission->release);
	iov_buf_release(&submission->archive);
	iov_statement_release(&submission->statement);
	*submission = (struct iov_submission){.release = NULL};
}

/* What was signed must be the canonical form: the index keeps the document, and its form is what readers check the
 * signature over. */
static int check_canonical(struct iov_ctx *ctx, const struct iov_release *release, const struct iov_note_text *note)
{
	iov_auto(iov_free_ptr) char *text = iov_release_signed_text(release);
	if (!text)
		return iov_oom(ctx);
	if (strcmp(text, note->text) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "the signed record is not canonical JSON; publish it with 'iovpkg publish'");
	return IOV_OK;
}

/* The name that this one would pass for: without its capitals, with '-' in the place of '_'. */
static void plain_name(const char *name, char ret[IOV_NAME_MAX + 1])
{
	size_t i;
	for (i = 0; i < IOV_NAME_MAX && name[i]; i++) {
		char letter = name[i];
		ret[i] = letter == '_' ? '-' : letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
	}
	ret[i] = '\0';
}

/* Names that people take for each other are told apart by none of them being allowed but one. */
static int check_name(struct iov_ctx *ctx, const json_t *record)
{
	char plain[IOV_NAME_MAX + 1];
	const char *name = json_string_value(json_object_get(json_object_get(record, "manifest"), "name"));
	if (!name || iov_is_name(name) || strlen(name) > IOV_NAME_MAX)
		return IOV_OK; /* for iov_release_from_json() to judge */
	plain_name(name, plain);
	if (!iov_is_name(plain))
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT,
			 "'%s' would pass for '%s' (name squatting); a module's name has a-z, 0-9 and '-' only", name,
			 plain);
}

int iov_submission_record(struct iov_ctx *ctx, const struct iov_buf *file, const char *published,
			  struct iov_release **ret)
{
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_json_release) json_t *record = NULL;
	int rc = iov_note_parse(ctx, IOV_RELEASE_NOTE_PATH, file->data, file->len, &note);
	if (!rc)
		rc = iov_json_parse(ctx, IOV_RELEASE_NOTE_PATH, note.text, note.len, IOV_INDEX_LINE_MAX, &record);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *signatures = iov_note_lines(file->data, file->len, note.len);
	iov_auto(iov_json_release) json_t *line = signatures ? iov_index_line(record, signatures, 0, published) : NULL;
	if (!line)
		return iov_oom(ctx);
	rc = check_name(ctx, record);
	if (!rc)
		rc = iov_release_from_json(ctx, line, ret);
	return rc ? rc : check_canonical(ctx, *ret, &note);
}

static int check_digests(struct iov_ctx *ctx, const struct iov_submission *submission)
{
	const struct iov_release *release = submission->release;
	char sha256[IOV_HEX_SIZE];
	iov_sha256_hex(submission->archive.data, submission->archive.len, sha256);
	if (strcmp(release->sha256, submission->sha256) != 0)
		return iov_error(
			ctx, IOV_E_UNTRUSTED, "the record of '%s' %s is of archive %s, but it was submitted as %s",
			release->manifest->name, release->manifest->version.text, release->sha256, submission->sha256);
	if (submission->archive.len != release->size || strcmp(sha256, release->sha256) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "the archive of '%s' %s has %zu bytes and SHA-256 %s, but its record says %llu bytes "
				 "and %s; pack and publish again",
				 release->manifest->name, release->manifest->version.text, submission->archive.len,
				 sha256, (unsigned long long)release->size, release->sha256);
	return IOV_OK;
}

static int check_release(struct iov_ctx *ctx, const struct iov_buf *note, const char *published,
			 struct iov_submission *submission)
{
	if (!note->data || !submission->archive.data)
		return iov_error(ctx, IOV_E_INPUT,
				 "a submission holds '" IOV_RELEASE_NOTE_PATH "' and '" IOV_ARCHIVE_PATH
				 "', or '" IOV_EVENT_NOTE_PATH "'; submit with iovpkg");
	int rc = iov_submission_record(ctx, note, published, &submission->release);
	if (!rc)
		rc = check_digests(ctx, submission);
	return rc ? rc : iov_submission_check_archive(ctx, submission);
}

static int check_statement(struct iov_ctx *ctx, const struct iov_buf *note, struct iov_submission *submission)
{
	char sha256[IOV_HEX_SIZE];
	iov_sha256_hex(note->data, note->len, sha256);
	if (note->len > IOV_EVENT_NOTE_MAX || strcmp(sha256, submission->sha256) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "'" IOV_EVENT_NOTE_PATH
				 "' has %zu bytes and SHA-256 %s, but it was submitted as %s; a note "
				 "has at most %u bytes, and its digest names it",
				 note->len, sha256, submission->sha256, IOV_EVENT_NOTE_MAX);
	return iov_statement_parse(ctx, IOV_EVENT_NOTE_PATH, note->data, note->len, &submission->statement);
}

int iov_submission_read(struct iov_ctx *ctx, const struct iov_source *source, const char *sha256, const char *published,
			struct iov_submission *ret)
{
	enum { NOTE, ARCHIVE, EVENT, COUNT };
	static const char *const paths[COUNT] = {IOV_RELEASE_NOTE_PATH, IOV_ARCHIVE_PATH, IOV_EVENT_NOTE_PATH};
	struct iov_buf files[COUNT] = {{0}};
	memcpy(ret->sha256, sha256, IOV_HEX_SIZE);
	int rc = source->read(ctx, source, paths, COUNT, IOV_ARCHIVE_MAX, files);
	ret->archive = files[ARCHIVE];
	if (!rc && files[EVENT].data && !files[NOTE].data && !files[ARCHIVE].data)
		rc = check_statement(ctx, &files[EVENT], ret);
	else if (!rc)
		rc = check_release(ctx, &files[NOTE], published, ret);
	iov_buf_release(&files[NOTE]);
	iov_buf_release(&files[EVENT]);
	return rc;
}
