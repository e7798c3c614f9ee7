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

/* The places of an archive, each with its own credential. One that has refused its credential to this command before is
 * left out, as long as there are others. */
static int find_places(struct iov_ctx *ctx, struct web *web, size_t n_urls, size_t *ret_count)
{
	size_t count = 0;
	int rc = IOV_OK, refused = IOV_OK;
	for (size_t i = 0; i < n_urls && !rc; i++) {
		const struct iov_credential *credential = NULL;
		rc = iov_credential_find(ctx, web->urls[i], &credential);
		if (rc == IOV_E_NETWORK) {
			refused = rc;
			rc = IOV_OK;
			continue;
		}
		web->credentials[count] = credential;
		web->places[count++] =
			(struct iov_http_place){web->urls[i], credential ? credential->authorization : NULL};
	}
	*ret_count = count;
	return rc ? rc : count ? IOV_OK : refused;
}

static int fill(struct iov_ctx *ctx, const struct iov_trust *trust, struct web *web, struct iov_http_file *file)
{
	const struct iov_release *release = web->wish->release;
	size_t n_urls = 0, count = 0;
	int rc = iov_trust_archive_urls(ctx, trust, release->sha256, web->urls, &n_urls);
	rc = rc ? rc : find_places(ctx, web, n_urls, &count);
	snprintf(web->name, sizeof(web->name), "%s %s", release->manifest->name, release->manifest->version.text);
	*file = (struct iov_http_file){.name = web->name,
				       .places = web->places,
				       .n_places = count,
				       .path = web->wish->path,
				       .sha256 = release->sha256,
				       .size = release->size};
	return rc;
}

/* ---- what the servers said to the credentials that they were shown ----------------------------------------------- */

static bool is_refusal(unsigned status)
{
	return status == 401 || status == 403;
}

/* As the context's error. A credential that is accepted elsewhere on a server may lack the right to this place: 403
 * says nothing against it. */
static int refusal(struct iov_ctx *ctx, const struct web *web, size_t place, unsigned status)
{
	const char *url = web->places[place].url;
	if (status == 401 && web->credentials[place])
		return iov_credential_refused(ctx, url);
	if (status == 401)
		return iov_error(
			ctx, IOV_E_NETWORK,
			"'%s' asks for a credential, and this host has none; say in credentials.yaml where it is", url);
	return iov_error(ctx, IOV_E_NETWORK, "'%s' does not let you in; ask its host for access", url);
}

/* Another mirror had it. */
static void warn_refused(struct iov_ctx *ctx, const struct web *web, const struct iov_http_file *file)
{
	for (size_t i = 0; i < file->n_places; i++)
		if (is_refusal(file->statuses[i])) {
			refusal(ctx, web, i, file->statuses[i]);
			iov_warn(ctx, "%s; a mirror had the archive", iov_error_text(ctx));
		}
}

/* The error is that of the place asked last; those that refused before it are told with it. */
static int tell_refused(struct iov_ctx *ctx, const struct web *web, const struct iov_http_file *file)
{
	iov_auto(iov_buf_release) struct iov_buf before = {0};
	struct iov_saved_error last = iov_error_save(ctx);
	for (size_t i = 0; i < file->n_places; i++)
		if (i != file->place && is_refusal(file->statuses[i])) {
			refusal(ctx, web, i, file->statuses[i]);
			iov_buf_printf(&before, "; %s", iov_error_text(ctx));
		}
	int rc = iov_error_restore(ctx, last);
	if (file->statuses[file->place] == 401 && web->credentials[file->place])
		rc = refusal(ctx, web, file->place, 401);
	return before.len ? iov_error(ctx, rc, "%s%s", iov_error_text(ctx), before.data) : rc;
}

static int veil(struct iov_ctx *ctx, const struct web *web, const struct iov_http_file *file, int rc)
{
	for (size_t i = 0; i < file->n_places; i++)
		rc = iov_credential_veil(ctx, web->places[i].url, web->credentials[i]);
	return rc;
}

/* `rc` is how all of it ended; the error that stands is that of the first file that failed. */
static int tell_credentials(struct iov_ctx *ctx, const struct web *webs, const struct iov_http_file *files,
			    size_t count, int rc)
{
	bool told = !rc;
	for (size_t i = 0; i < count; i++) {
		const struct iov_http_file *file = &files[i];
		if (file->code == IOV_OK && webs[i].credentials[file->place])
			iov_credential_accepted(ctx, webs[i].places[file->place].url);
		if (file->code == IOV_OK && !rc)
			warn_refused(ctx, &webs[i], file);
		if (file->code != IOV_OK && !told) {
			rc = tell_refused(ctx, &webs[i], file);
			told = true;
		}
		if (rc)
			rc = veil(ctx, &webs[i], file, rc);
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
