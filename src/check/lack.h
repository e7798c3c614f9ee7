/* Why a kernel does not load a release, out of what iov_check_against() says of its object. */
#ifndef IOV_CHECK_LACK_H
#define IOV_CHECK_LACK_H

#include "check/kernel.h"
#include "core/lack.h"
#include "core/release.h"

/*
 * What the kernel lacks; of several things the one that the latest Linux brought, for that is the Linux that is needed.
 * JSON with the members of struct iov_lack, a new reference; null: it loads the release, or nobody can tell.
 */
int iov_lack_find(struct iov_ctx *ctx, const struct iov_release *release, const struct iov_kernel *kernel,
		  json_t **ret);
/* Borrowed from the JSON; false: it is not what iov_lack_find() gave. */
bool iov_lack_from_json(const json_t *json, struct iov_lack *ret);

#endif
