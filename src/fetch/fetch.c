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

static char *cached_path(const struct iov_ctx *ctx, const struct iov_release *release)
{
	return iov_path(ctx, IOV_CACHE "/archives/%s.iov", release->sha256);
}

/* ---- what is not there ------------------------------------------------------------------------------------------ */

static void wishes_free(struct iov_archive_wish *wishes, size_t count)
{
	for (size_t i = 0; wishes && i < count; i++)
		free((char *)wishes[i].path);
	free(wishes);
}

/* The temporary name is the same each time, so that a download that was killed goes on, or is swept away by the next.
 */
static int add_wish(struct iov_ctx *ctx, const struct iov_release *release, struct iov_archive_wish *wishes,
		    size_t *count)
{
	iov_auto(iov_free_ptr) char *path = cached_path(ctx, release);
	if (path && is_cached(ctx, release, path))
		return IOV_OK;
	char *temporary = iov_path(ctx, IOV_CACHE "/archives/%s.new", release->sha256);
	if (!path || !temporary) {
		free(temporary);
		return iov_oom(ctx);
	}
	wishes[(*count)++] = (struct iov_archive_wish){.release = release, .path = temporary};
	int rc = iov_fs_mkdirs_for(temporary, 0755);
	return rc ? iov_error_errno(ctx, rc, "cannot make the folder of '%s'", temporary) : IOV_OK;
}

static int keep(struct iov_ctx *ctx, const struct iov_archive_wish *wish)
{
	iov_auto(iov_free_ptr) char *path = cached_path(ctx, wish->release);
	int rc = path ? IOV_OK : iov_oom(ctx);
	if (!rc && !wish->checked)
		rc = iov_verify_archive(ctx, wish->release, wish->path);
	if (!rc && rename(wish->path, path))
		rc = iov_error_errno(ctx, errno, "cannot rename '%s' to '%s'", wish->path, path);
	if (rc)
		unlink(wish->path);
	return rc;
}

static int refuse_offline(struct iov_ctx *ctx, const struct iov_release *release)
{
	return iov_error(ctx, IOV_E_NETWORK,
			 "the archive of '%s' %s is not in the cache; run this once without --offline",
			 release->manifest->name, release->manifest->version.text);
}

static int fetch(struct iov_ctx *ctx, struct iov_registries *registries, struct iov_archive_wish *wishes, size_t count)
{
	char subject[IOV_NAME_MAX + IOV_VERSION_MAX + 2];
	const struct iov_manifest *first = count ? wishes[0].release->manifest : NULL;
	if (!count)
		return IOV_OK;
	if (ctx->config.offline)
		return refuse_offline(ctx, wishes[0].release);
	if (count == 1)
		snprintf(subject, sizeof(subject), "%s %s", first->name, first->version.text);
	else
		snprintf(subject, sizeof(subject), "%zu archives", count);
	iov_step(ctx, "fetching", subject);
	int rc = iov_registries_fetch_archives(ctx, registries, wishes, count);
	for (size_t i = 0; i < count && !rc; i++)
		rc = keep(ctx, &wishes[i]);
	if (!rc)
		iov_done(ctx, "fetching", subject);
	return rc;
}

int iov_fetch_archives(struct iov_ctx *ctx, struct iov_registries *registries,
		       const struct iov_release *const *releases, size_t count)
{
	struct iov_archive_wish *wishes = calloc(count + 1, sizeof(*wishes));
	size_t n_wishes = 0;
	int rc = wishes ? IOV_OK : iov_oom(ctx);
	for (size_t i = 0; i < count && !rc; i++)
		rc = add_wish(ctx, releases[i], wishes, &n_wishes);
	rc = rc ? rc : fetch(ctx, registries, wishes, n_wishes);
	wishes_free(wishes, n_wishes);
	return rc;
}

int iov_fetch_archive(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
		      char **ret_path)
{
	iov_auto(iov_free_ptr) char *path = cached_path(ctx, release);
	int rc = path ? iov_fetch_archives(ctx, registries, &release, 1) : iov_oom(ctx);
	if (!rc)
		*ret_path = iov_take(path);
	return rc;
}
