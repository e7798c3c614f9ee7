/*
 * Versions (semver.org 2.0.0) and requirements (cargo's meaning of ^ ~ = >= > <= < * and commas; a bare "1.2" is
 * "^1.2"). A pre-release matches only when a comparator of the requirement names a pre-release of the same
 * major.minor.patch.
 */
#ifndef IOV_CORE_VERSION_H
#define IOV_CORE_VERSION_H

#include "core/ctx.h"

#define IOV_VERSION_MAX 127 /* bytes; longer versions help nobody and end up in file names */

struct iov_version {
	uint64_t major, minor, patch;
	char text[IOV_VERSION_MAX + 1]; /* as written */
	uint8_t prerelease,
		prerelease_len; /* where the pre-release stands in text, 0 length: none; build metadata follows it */
};

/* IOV_E_INPUT with the position when `text` is no version. */
int iov_version_parse(struct iov_ctx *ctx, const char *text, struct iov_version *ret);
/* <0, 0, >0 by precedence; build metadata does not count. */
int iov_version_compare(const struct iov_version *a, const struct iov_version *b);

struct iov_requirement; /* parsed; immutable */

int iov_requirement_parse(struct iov_ctx *ctx, const char *text, struct iov_requirement **ret);
void iov_requirement_free(struct iov_requirement *requirement);
bool iov_requirement_matches(const struct iov_requirement *requirement, const struct iov_version *version);
/* "=1.2.0" of "=" and a version's text: requirements know nothing of build metadata. Owned by the caller; NULL: no
 * memory. */
char *iov_requirement_of(const char *sign, const char *version);
const char *iov_requirement_text(const struct iov_requirement *requirement); /* as written, borrowed */

#endif
