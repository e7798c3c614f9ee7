/* Made-up modules as a publisher has them: a real archive, and the record that describes it. */
#ifndef IOV_TESTS_SUBMISSIONS_H
#define IOV_TESTS_SUBMISSIONS_H

#include "core/release.h"
#include "sign/key.h"
#include "unit.h"

struct unit_submission {
	json_t *record; /* the "release" member of an index line */
	char *archive;	/* the path of the archive */
	char sha256[IOV_HEX_SIZE];
};

/* `source` is the text of the module's only source: other text, other archive. */
void unit_submission_make(struct iov_ctx *ctx, const char *name, const char *version, const char *source,
			  struct unit_submission *ret);
/* It exports the map `flows`, for reading, whose value has one u64 of this name. */
void unit_submission_export(struct iov_ctx *ctx, const char *name, const char *version, const char *field,
			    struct unit_submission *ret);
void unit_submission_release(struct unit_submission *submission);
void unit_signer(struct iov_ctx *ctx, const char *name, struct iov_signer *ret);

#endif
