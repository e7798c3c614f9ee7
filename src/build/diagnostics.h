/* What clang says of a source, shortened to what a person wants to read first. */
#ifndef IOV_BUILD_DIAGNOSTICS_H
#define IOV_BUILD_DIAGNOSTICS_H

#include "core/ctx.h"
#include "util/buf.h"

#define IOV_DIAGNOSTICS_SHOWN 5 /* the first ones: the others often follow from them */

/* IOV_E_BUILD: clang's first errors with file, line and column, and the package that has a missing header. */
int iov_diagnostics_error(struct iov_ctx *ctx, const char *source, const struct iov_buf *said, int status);
/* Passes warnings on to the event callback, one by one. */
void iov_diagnostics_warn(struct iov_ctx *ctx, const struct iov_buf *said);

#endif
