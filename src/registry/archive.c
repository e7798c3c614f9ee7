/* The bytes of a release: files of the web, or a ref of its own, so that a host fetches the archives that it installs
 * and no others. */
#include "registry/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "registry/describe.h"
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
	if (rc)
		unlink(path);
	if (rc == IOV_E_UNTRUSTED)
		return iov_error_prefix(ctx, "archive of '%s' %s in registry '%s' (endless data attack)",
					release->manifest->name, release->manifest->version.text, trust->name);
	return rc;
}

/* ---- where they are --------------------------------------------------------------------------------------------- */

static bool is_on_web(const struct iov_trust *trust)
{
	return trust->sparse || (trust->packages && strstr(trust->packages, IOV_PACKAGES_HASH));
}

static int fetch_from(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_archive_wish **wishes,
		      size_t count)
{
	iov_auto(iov_close_fd) int lock = -1;
	if (is_on_web(trust))
		return iov_archives_from_web(ctx, trust, wishes, count);
	/* Else an update beside this might pack the clone anew, and forget an archive before it was read. */
	int rc = count && !ctx->config.offline ? iov_trust_lock(ctx, trust, &lock) : IOV_OK;
	for (size_t i = 0; i < count && !rc; i++)
		rc = from_git(ctx, trust, wishes[i]->release, wishes[i]->path);
	return rc;
}

int iov_registries_fetch_archives(struct iov_ctx *ctx, struct iov_registries *registries,
				  struct iov_archive_wish *wishes, size_t count)
{
	iov_auto(iov_free_ptr) struct iov_archive_wish **of_one = calloc(count + 1, sizeof(struct iov_archive_wish *));
	iov_auto(iov_free_ptr) struct iov_registry **owners = calloc(count + 1, sizeof(struct iov_registry *));
	int rc = of_one && owners ? IOV_OK : iov_oom(ctx);
	for (size_t i = 0; i < count && !rc; i++)
		rc = find_owner(ctx, registries, wishes[i].release, &owners[i]);
	for (size_t r = 0; r < registries->count && !rc; r++) {
		size_t n = 0;
		for (size_t i = 0; i < count; i++)
			if (owners[i] == &registries->items[r])
				of_one[n++] = &wishes[i];
		rc = fetch_from(ctx, registries->items[r].trust, of_one, n);
	}
	return rc;
}
