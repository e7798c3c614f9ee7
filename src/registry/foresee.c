/* What a registry would say of a release, before it is signed and submitted. The registry looks itself, too; this way
 * its publisher knows sooner. */
#include "core/step.h"
#include "registry/accept.h"
#include "registry/publish.h"
#include "registry/registries.h"
#include "util/cleanup.h"

static int judge(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_index *index,
		 const struct iov_release *release, bool *ret_known)
{
	uint64_t log;
	int rc = iov_accept_check_publisher(ctx, root, release);
	if (!rc)
		rc = iov_accept_check_version(ctx, index, release, ret_known, &log);
	return rc || *ret_known ? rc : iov_release_check_step(ctx, release, index->releases, index->count);
}

int iov_registry_foresee(struct iov_ctx *ctx, const char *path, const struct iov_release *release, bool *ret_known)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_index_release) struct iov_index index = {0};
	int rc = iov_host_open(ctx, path, &host);
	if (!rc)
		rc = iov_host_index(ctx, &host, release->manifest->name, &text, &index);
	return rc ? rc : judge(ctx, host.root, &index, release, ret_known);
}

int iov_registries_foresee(struct iov_ctx *ctx, struct iov_registries *registries, const char *registry,
			   const struct iov_release *release, bool *ret_known)
{
	const struct iov_answer *answer = NULL;
	struct iov_registry *found = iov_registries_find(registries, registry);
	int rc = found ? iov_registry_answer(ctx, found, release->manifest->name, &answer)
		       : iov_error(ctx, IOV_E_NOT_FOUND, "no registry is called '%s' here", registry);
	if (rc)
		return rc;
	return judge(ctx, iov_trust_root(found->trust), &answer->index, release, ret_known);
}
