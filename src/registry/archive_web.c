/* Archives over HTTP: all that are wanted of one registry at the same time, each from one of its places. */
#include <stdio.h>

#include "credentials/credentials.h"
#include "registry/archive.h"
#include "util/cleanup.h"

struct web {
	struct iov_archive_wish *wish;
	char name[IOV_NAME_MAX + IOV_VERSION_MAX + 2];
	char *urls[IOV_MIRRORS_MAX];
	struct iov_http_place places[IOV_MIRRORS_MAX];
	const struct iov_credential *credentials[IOV_MIRRORS_MAX]; /* NULL: none */
};

static void webs_free(struct web *webs, size_t count)
{
	for (size_t i = 0; webs && i < count; i++)
		for (size_t k = 0; k < IOV_MIRRORS_MAX; k++)
			free(webs[i].urls[k]);
	free(webs);
}

static int fill(struct iov_ctx *ctx, const struct iov_trust *trust, struct web *web, struct iov_http_file *file)
{
	const struct iov_release *release = web->wish->release;
	size_t count = 0;
	int rc = iov_trust_archive_urls(ctx, trust, release->sha256, web->urls, &count);
	for (size_t i = 0; i < count && !rc; i++) {
		rc = iov_credential_find(ctx, web->urls[i], &web->credentials[i]);
		const struct iov_credential *credential = web->credentials[i];
		web->places[i] = (struct iov_http_place){web->urls[i], credential ? credential->authorization : NULL};
	}
	snprintf(web->name, sizeof(web->name), "%s %s", release->manifest->name, release->manifest->version.text);
	*file = (struct iov_http_file){.name = web->name,
				       .places = web->places,
				       .n_places = count,
				       .path = web->wish->path,
				       .sha256 = release->sha256,
				       .size = release->size};
	return rc;
}

/* What the servers said to the credentials that they were shown. `rc` is how all of it ended. */
static int tell_credentials(struct iov_ctx *ctx, const struct web *webs, const struct iov_http_file *files,
			    size_t count, int rc)
{
	for (size_t i = 0; i < count; i++) {
		const char *url = webs[i].urls[files[i].place];
		const struct iov_credential *credential = webs[i].credentials[files[i].place];
		if (credential && files[i].status == 401)
			return iov_credential_refused(ctx, url);
		if (credential && files[i].code == IOV_OK)
			iov_credential_accepted(ctx, url);
		if (rc)
			rc = iov_credential_veil(ctx, url, credential);
	}
	return rc;
}

/* Over the connection of a sparse registry, which is open already, or over one of its own. */
static int download(struct iov_ctx *ctx, const struct iov_trust *trust, const struct web *webs,
		    struct iov_http_file *files, size_t count)
{
	struct iov_http *session = NULL, *own = NULL;
	int rc = trust->sparse ? iov_sparse_session(ctx, trust->sparse, &session) : iov_http_open(ctx, &own);
	if (!rc) {
		rc = iov_http_download(session ? session : own, files, count);
		rc = tell_credentials(ctx, webs, files, count, rc);
	}
	iov_http_free(own);
	return rc ? iov_error_prefix(ctx, "registry '%s'", trust->name) : IOV_OK;
}

static int refuse_offline(struct iov_ctx *ctx, const struct iov_release *release)
{
	return iov_error(ctx, IOV_E_NETWORK, "the archive of '%s' %s is not on this host; run again without --offline",
			 release->manifest->name, release->manifest->version.text);
}

int iov_archives_from_web(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_archive_wish **wishes,
			  size_t count)
{
	if (count && ctx->config.offline)
		return refuse_offline(ctx, wishes[0]->release);
	struct web *webs = calloc(count + 1, sizeof(*webs));
	iov_auto(iov_free_ptr) struct iov_http_file *files = calloc(count + 1, sizeof(*files));
	int rc = webs && files ? IOV_OK : iov_oom(ctx);
	for (size_t i = 0; i < count && !rc; i++) {
		webs[i].wish = wishes[i];
		rc = fill(ctx, trust, &webs[i], &files[i]);
	}
	rc = rc || !count ? rc : download(ctx, trust, webs, files, count);
	for (size_t i = 0; i < count && !rc; i++)
		wishes[i]->checked = true;
	webs_free(webs, count);
	return rc;
}
