/* The bytes of a release: its own ref, so that a host fetches the archives that it installs and no others. */
#include "registry/registries.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "credentials/credentials.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define REF_MAX 96

static int find_owner(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release,
		      struct iov_registry **ret)
{
	const char *name = release->registry ? release->registry : "";
	*ret = iov_registries_find(registries, name);
	if (*ret)
		return IOV_OK;
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "'%s' %s came from registry '%s', which this host no longer has; add it again",
			 release->manifest->name, release->manifest->version.text, name);
}

static int find_commit(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release,
		       char *ret_commit)
{
	char ref[REF_MAX];
	const struct iov_manifest *manifest = release->manifest;
	snprintf(ref, sizeof(ref), "refs/packages/%.64s", release->sha256);
	if (ctx->config.offline) {
		int rc = iov_git_resolve(ctx, trust->repo, ref, ret_commit);
		if (rc == IOV_E_NOT_FOUND)
			return iov_error(ctx, IOV_E_NETWORK,
					 "the archive of '%s' %s is not on this host; run again without --offline",
					 manifest->name, manifest->version.text);
		return rc;
	}
	int rc = iov_git_fetch(ctx, trust->repo, trust->url, ref, ret_commit);
	if (rc == IOV_E_NOT_FOUND)
		return iov_error(ctx, rc,
				 "registry '%s' lists '%s' %s but has not its archive %s; ask the registry's host",
				 trust->name, manifest->name, manifest->version.text, release->sha256);
	return rc == IOV_E_NETWORK ? iov_error_prefix(ctx, "registry '%s'", trust->name) : rc;
}

struct sink {
	int fd;
	const char *path;
	const struct iov_release *release;
	uint64_t done;
};

static int write_chunk(struct iov_ctx *ctx, const void *data, size_t len, void *cookie)
{
	struct sink *sink = cookie;
	int err = iov_fs_write_fd(sink->fd, data, len);
	if (err)
		return iov_error_errno(ctx, err, "cannot write '%s'", sink->path);
	sink->done += len;
	iov_progress_bytes(ctx, "fetching", sink->release->manifest->name, sink->done, sink->release->size);
	return IOV_OK;
}

static int from_git(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release,
		    const char *path)
{
	char commit[IOV_COMMIT_SIZE];
	int rc = find_commit(ctx, trust, release, commit);
	if (rc)
		return rc;
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot make '%s'", path);
	struct sink sink = {.fd = fd, .path = path, .release = release};
	rc = iov_git_stream(ctx, trust->repo, commit, "archive", (size_t)release->size, write_chunk, &sink);
	if (rc == IOV_E_UNTRUSTED)
		return iov_error_prefix(ctx, "archive of '%s' %s in registry '%s' (endless data attack)",
					release->manifest->name, release->manifest->version.text, trust->name);
	return rc;
}

static int download(struct iov_ctx *ctx, struct iov_http *session, const char *url, const struct iov_release *release,
		    const char *path)
{
	char name[IOV_NAME_MAX + IOV_VERSION_MAX + 2];
	const struct iov_credential *credential = NULL;
	int rc = iov_credential_find(ctx, url, &credential);
	if (rc)
		return rc;
	const struct iov_http_place place = {url, credential ? credential->authorization : NULL};
	snprintf(name, sizeof(name), "%s %s", release->manifest->name, release->manifest->version.text);
	struct iov_http_file file = {.name = name,
				     .places = &place,
				     .n_places = 1,
				     .path = path,
				     .sha256 = release->sha256,
				     .size = release->size};
	return iov_http_download(session, &file, 1);
}

/* Over the connection of a sparse registry, which is open already, or over one of its own. */
static int from_web(struct iov_ctx *ctx, const struct iov_trust *trust, const char *url,
		    const struct iov_release *release, const char *path)
{
	struct iov_http *session = NULL, *own = NULL;
	if (ctx->config.offline)
		return iov_error(ctx, IOV_E_NETWORK,
				 "the archive of '%s' %s is not on this host; run again without --offline",
				 release->manifest->name, release->manifest->version.text);
	int rc = trust->sparse ? iov_sparse_session(ctx, trust->sparse, &session) : iov_http_open(ctx, &own);
	if (!rc)
		rc = download(ctx, session ? session : own, url, release, path);
	iov_http_free(own);
	return rc ? iov_error_prefix(ctx, "registry '%s'", trust->name) : IOV_OK;
}

int iov_registries_fetch_archive(struct iov_ctx *ctx, struct iov_registries *registries,
				 const struct iov_release *release, const char *path)
{
	struct iov_registry *registry;
	iov_auto(iov_free_ptr) char *url = NULL;
	int rc = find_owner(ctx, registries, release, &registry);
	if (!rc)
		rc = iov_trust_archive_url(ctx, registry->trust, release->sha256, &url);
	if (rc)
		return rc;
	return url ? from_web(ctx, registry->trust, url, release, path) : from_git(ctx, registry->trust, release, path);
}
