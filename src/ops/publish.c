#include "ops/publish.h"

#include <string.h>

#include "core/release.h"
#include "ops/keys.h"
#include "registry/admin.h"
#include "registry/poll.h"
#include "registry/publish.h"
#include "registry/submission.h"
#include "util/cleanup.h"

/* Does this text say where a registry is, or only what this host calls it? */
static bool is_place(const char *registry)
{
	return strchr(registry, '/') || !iov_is_name(registry);
}

int iov_publish_url(struct iov_ctx *ctx, const char *registry, char **ret)
{
	if (registry && is_place(registry)) {
		*ret = strdup(registry);
		return *ret ? IOV_OK : iov_oom(ctx);
	}
	iov_auto(iov_json_release) json_t *list = NULL;
	int rc = iov_registry_describe_all(ctx, &list);
	if (rc)
		return rc;
	if (!registry && json_array_size(list) != 1)
		return iov_error(ctx, IOV_E_USAGE, "%s; say where to publish with --registry NAME, PATH or URL",
				 json_array_size(list) ? "several registries are configured"
						       : "no registry is configured");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		if (registry && strcmp(json_string_value(json_object_get(one, "name")), registry) != 0)
			continue;
		*ret = strdup(json_string_value(json_object_get(one, "url")));
		return *ret ? IOV_OK : iov_oom(ctx);
	}
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "no registry is called '%s' here; add it with 'iovpkg registry add', or give its path or URL",
			 registry);
}

/* Where the registry is a folder of this host and its key is here too, publishing ends with the release in the index.
 */
static int accept_here(struct iov_ctx *ctx, const char *path, const char *sha256, const char **ret_status)
{
	iov_auto(iov_signer_release) struct iov_signer registry = {0};
	bool found = false;
	int rc = iov_keys_find_registry(ctx, path, &registry, &found);
	if (rc == IOV_E_DECLINED || rc == IOV_E_PERMISSION) { /* its key is here, but not its passphrase */
		iov_note(ctx, "%s; the submission waits for 'iovpkg registry accept %s'", iov_error_text(ctx), path);
		return IOV_OK;
	}
	if (!rc && !found)
		iov_note(ctx,
			 "the registry's key is not among yours, so the submission waits for 'iovpkg registry accept "
			 "%s' "
			 "(on a local path no hook is run)",
			 path);
	if (rc || !found)
		return rc;
	iov_auto(iov_json_release) json_t *taken = NULL;
	rc = iov_registry_take_in(ctx, path, &registry, sha256, &taken);
	if (rc)
		return rc;
	const json_t *refused = json_array_get(json_object_get(taken, "refused"), 0);
	if (refused)
		return iov_error(ctx, IOV_E_CONFLICT, "the registry refused '%s': %s",
				 json_string_value(json_object_get(refused, "name")),
				 json_string_value(json_object_get(refused, "reason")));
	const json_t *accepted = json_array_get(json_object_get(taken, "accepted"), 0);
	*ret_status = json_is_true(json_object_get(accepted, "again")) ? "already published" : "published";
	return IOV_OK;
}

/* ---- a registry elsewhere ---- */

/* What there is to ask later; `poll->registry` NULL: it is none that is read here, so nobody says whose word counts. */
static int prepare_poll(struct iov_ctx *ctx, const json_t *list, struct iov_poll *poll, uint64_t wait)
{
	poll->registry = iov_publish_name(list, poll->url);
	if (poll->registry)
		return wait ? iov_poll_begin(ctx, poll) : IOV_OK;
	if (!wait)
		return IOV_OK;
	return iov_error(ctx, IOV_E_USAGE,
			 "'%s' is no registry that is read here, so nobody can say whose verdict to wait for; add it "
			 "with 'iovpkg registry add', or leave --wait out",
			 poll->url);
}

/* A hook has judged by now; without --wait what cannot be learnt at once is left open. */
static int learn(struct iov_ctx *ctx, const struct iov_poll *poll, uint64_t wait, const char **ret_status)
{
	bool done = false;
	if (!poll->registry)
		return IOV_OK;
	int rc = wait ? iov_poll_wait(ctx, poll, wait) : iov_poll_once(ctx, poll, &done);
	if (wait ? !rc : done)
		*ret_status = "published";
	return wait ? rc : IOV_OK;
}

/* ---- both ---- */

struct publication {
	const char *url, *archive;
	json_t *release;
	const struct iov_buf *note;
	uint64_t wait;
	bool known; /* these very bytes are published already */
	const char *name, *sha256;
	const char *status; /* how it ended */
};

static int submit(struct iov_ctx *ctx, const struct publication *one)
{
	return iov_registry_submit_note(ctx, one->url, one->release, one->note, one->archive);
}

static int publish_there(struct iov_ctx *ctx, struct publication *one)
{
	iov_auto(iov_json_release) json_t *list = NULL;
	struct iov_poll poll = {.url = one->url, .module = one->name, .sha256 = one->sha256};
	int rc = iov_registry_describe_all(ctx, &list);
	if (!rc)
		rc = prepare_poll(ctx, list, &poll, one->wait);
	if (!rc)
		rc = submit(ctx, one);
	return rc ? rc : learn(ctx, &poll, one->wait, &one->status);
}

static int publish(struct iov_ctx *ctx, struct publication *one)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	bool local = false;
	int rc = iov_registry_locate(ctx, one->url, &local, &path);
	/* On this host a submission of it may still wait, of a publish that was stopped. */
	if (rc || (!local && one->known))
		return rc;
	iov_step(ctx, "publishing", one->name);
	if (!local)
		rc = publish_there(ctx, one);
	else if (!(rc = submit(ctx, one)))
		rc = accept_here(ctx, path, one->sha256, &one->status);
	if (!rc)
		iov_done(ctx, "publishing", one->name);
	return rc;
}

static json_t *answer(const json_t *release, const char *url, const char *status)
{
	const json_t *manifest = json_object_get(release, "manifest");
	const json_t *archive = json_object_get(release, "archive");
	return json_pack("{s:O, s:O, s:O, s:O, s:s, s:s}", "name", json_object_get(manifest, "name"), "version",
			 json_object_get(manifest, "version"), "sha256", json_object_get(archive, "sha256"), "size",
			 json_object_get(archive, "size"), "registry", url, "status", status);
}

int iov_publish_release(struct iov_ctx *ctx, const char *registry, const char *key, json_t *release,
			const char *archive, uint64_t wait, unsigned flags, json_t **ret)
{
	iov_auto(iov_signer_release) struct iov_signer publisher = {0};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_keys_load(ctx, key, &publisher);
	if (!rc)
		rc = iov_submission_note(ctx, release, &publisher, &note);
	return rc ? rc : iov_publish_note(ctx, registry, release, &note, archive, wait, flags, ret);
}

int iov_publish_note(struct iov_ctx *ctx, const char *registry, json_t *release, const struct iov_buf *note,
		     const char *archive, uint64_t wait, unsigned flags, json_t **ret)
{
	iov_auto(iov_free_ptr) char *url = NULL;
	struct publication one = {
		.archive = archive,
		.release = release,
		.note = note,
		.wait = wait,
		.sha256 = json_string_value(json_object_get(json_object_get(release, "archive"), "sha256")),
		.name = json_string_value(json_object_get(json_object_get(release, "manifest"), "name")),
		.status = flags & IOV_DRY_RUN ? "would be published" : "submitted",
	};
	int rc = iov_publish_url(ctx, registry, &url);
	if (!rc)
		rc = iov_publish_foresee(ctx, url, note, &one.known);
	one.url = url;
	if (one.known)
		one.status = "already published";
	if (!rc && !(flags & IOV_DRY_RUN))
		rc = publish(ctx, &one);
	if (rc)
		return rc;
	*ret = answer(release, url, one.status);
	return *ret ? IOV_OK : iov_oom(ctx);
}
