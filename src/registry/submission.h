/*
 * What waits on refs/heads/incoming/<sha256>: a signed release record and its archive, named by the archive's digest;
 * or a statement about releases (statement.h), named by the digest of its note. Both halves of a publish use this.
 */
#ifndef IOV_REGISTRY_SUBMISSION_H
#define IOV_REGISTRY_SUBMISSION_H

#include "core/release.h"
#include "registry/root.h"
#include "registry/source.h"
#include "registry/statement.h"
#include "sign/note.h"

#define IOV_INCOMING_REFS "refs/heads/incoming/"
#define IOV_PACKAGE_REFS "refs/packages/"
#define IOV_REF_MAX 96 /* bytes of such a ref, with its terminator */
#define IOV_RELEASE_NOTE_PATH "release.note"
#define IOV_ARCHIVE_PATH "archive"

struct iov_submission {
	char sha256[IOV_HEX_SIZE];   /* what the ref says */
	struct iov_release *release; /* and its archive; */
	struct iov_buf archive;
	struct iov_statement statement; /* or this; without a kind: it is a release */
};

/* The release.note of a record; the caller owns *ret. */
int iov_submission_note(struct iov_ctx *ctx, json_t *record, const struct iov_signer *publisher, struct iov_buf *ret);

/* The release of a release.note, as its index line of that time will have it. */
int iov_submission_record(struct iov_ctx *ctx, const struct iov_buf *file, const char *published,
			  struct iov_release **ret);

/* Reads a submission into an empty struct and checks all that needs no keys: the record or statement, that ref, note
 * and archive belong together, and that an archive unpacks to the files and the manifest of the record. `published` is
 * the time that its index line will have. After a failure *ret holds what was read until then, for telling of what;
 * release it either way. */
int iov_submission_read(struct iov_ctx *ctx, const struct iov_source *source, const char *sha256, const char *published,
			struct iov_submission *ret);
void iov_submission_release(struct iov_submission *submission);

/* The index line of a record: a new reference. */
json_t *iov_index_line(json_t *record, json_t *signatures, uint64_t log, const char *published);

/* Unpacks the archive and compares it with its record, file by file. */
int iov_submission_check_archive(struct iov_ctx *ctx, const struct iov_submission *submission);

#endif
