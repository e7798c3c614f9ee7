/* Made-up modules, and generations of them, for tests that need a host but no registry. JSON is written with ' for ".
 */
#ifndef IOV_TESTS_MODULES_H
#define IOV_TESTS_MODULES_H

#include "core/generation.h"
#include "unit.h"

/* A release of these documents, put into the store as an install would, without its files. The manifest and object are
 * {...} texts. */
struct iov_release *unit_release(struct iov_ctx *ctx, const char *manifest, const char *object);
/* The folder of the store where the release's own object for this machine is looked for is made too; the path is owned
 * by the caller. */
char *unit_object_path(struct iov_ctx *ctx, const struct iov_release *release);
void unit_put_release(struct iov_ctx *ctx, struct iov_generation *generation, struct iov_release *release);
void unit_put_instance(struct iov_ctx *ctx, struct iov_generation *generation, const char *name, const char *module,
		       const char *params, const char *imports);
/* JSON with ' for ". A new reference. */
json_t *unit_json(const char *text);

#endif
