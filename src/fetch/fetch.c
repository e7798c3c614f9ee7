#include "fetch/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "verify/verify.h"

/* A cached archive is checked each time it is used, so the cache needs no fsync: what a power cut tore is fetched
 * again. */
static bool is_cached(struct iov_ctx *ctx, const struct iov_release *release, const char *path)
{
	if (!iov_fs_exists(path))
		return false;
	struct iov_saved_error saved = iov_error_save(ctx);
	bool good = iov_verify_archive(ctx, release, path) == IOV_OK;
	if (!good)
		unlink(path);
	iov_error_restore(ctx, saved);
	return good;
}

/* The temporary name is the same each time, so what a killed download left is swept away by the next. */
static int download(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
		    const char *path)
{
	iov_auto(iov_free_ptr) char *temporary = iov_path(ctx, IOV_CACHE "/archives/%s.new", release->sha256);
	if (!temporary)
		return iov_oom(ctx);
	int rc = iov_fs_mkdirs_for(path, 0755);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot make the folder of '%s'", path);
	unlink(temporary);
	rc = iov_registries_fetch_archive(ctx, registries, release, temporary);
	if (!rc)
		rc = iov_verify_archive(ctx, release, temporary);
	if (!rc && rename(temporary, path))
		rc = iov_error_errno(ctx, errno, "cannot rename '%s' to '%s'", temporary, path);
	if (rc)
		unlink(temporary);
	return rc;
}

static int fetch(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
		 const char *path)
{
	const char *name = release->manifest->name, *version = release->manifest->version.text;
	if (ctx->config.offline)
		return iov_error(ctx, IOV_E_NETWORK,
				 "the archive of '%s' %s is not in the cache; run this once without --offline", name,
				 version);
	char subject[IOV_NAME_MAX + IOV_VERSION_MAX + 2];
	snprintf(subject, sizeof(subject), "%s %s", name, version);
	iov_step(ctx, "fetching", subject);
	int rc = download(ctx, registries, release, path);
	if (!rc)
		iov_done(ctx, "fetching", subject);
	return rc;
}

int iov_fetch_archive(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
		      char **ret_path)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_CACHE "/archives/%s.iov", release->sha256);
	if (!path)
		return iov_oom(ctx);
	int rc = is_cached(ctx, release, path) ? IOV_OK : fetch(ctx, registries, release, path);
	if (!rc)
		*ret_path = iov_take(path);
	return rc;
}
