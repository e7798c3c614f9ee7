/* From a packed, described module into a registry: submitted, and accepted where the registry's key is at hand. */
#ifndef IOV_OPS_PUBLISH_H
#define IOV_OPS_PUBLISH_H

#include "core/json.h"
#include "util/buf.h"

/* `registry` is a configured name, a path or a URL; NULL: the only configured one. `key` NULL: the only key there is.
 * `wait`: seconds to wait for a registry elsewhere. *ret: {"name","version","sha256","size","registry","status"}. A new
 * reference. */
int iov_publish_release(struct iov_ctx *ctx, const char *registry, const char *key, json_t *release,
			const char *archive, uint64_t wait, unsigned flags, json_t **ret);
/* The same with a release.note that is signed already. */
int iov_publish_note(struct iov_ctx *ctx, const char *registry, json_t *release, const struct iov_buf *note,
		     const char *archive, uint64_t wait, unsigned flags, json_t **ret);
/* The address of that registry; owned by the caller. */
int iov_publish_url(struct iov_ctx *ctx, const char *registry, char **ret);
/* This host's name for the registry at `url`; NULL: it is none of those in `list` (iov_registry_describe_all()). */
const char *iov_publish_name(const json_t *list, const char *url);
/* Would the registry at `url` take the release of this note, as far as its signatures, version and exported maps go?
 * `known`: these very bytes are published already. */
int iov_publish_foresee(struct iov_ctx *ctx, const char *url, const struct iov_buf *note, bool *ret_known);

#endif
