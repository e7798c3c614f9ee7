#include "registry/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registry/clock.h"
#include "registry/describe.h"
#include "registry/host.h"
#include "registry/turn.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* A folder of something else is not turned into a registry. */
static int check_place(struct iov_ctx *ctx, const char *path)
{
	char **names = NULL;
	size_t count = 0;
	bool repository = false;
	int err = iov_fs_names(path, &names, &count);
	for (size_t i = 0; !err && i < count; i++)
		repository |= !strcmp(names[i], "HEAD");
	iov_fs_names_free(names, count);
	if (err && err != -ENOENT)
		return iov_error_errno(ctx, err, "cannot make a registry at '%s'", path);
	if (count && !repository)
		return iov_error(ctx, IOV_E_CONFLICT, "'%s' holds other files; name an empty or new folder", path);
	return IOV_OK;
}

static int check_unused(struct iov_ctx *ctx, const char *path)
{
	char commit[IOV_COMMIT_SIZE];
	int rc = check_place(ctx, path);
	if (!rc)
		rc = iov_git_init(ctx, path);
	if (rc)
		return rc;
	rc = iov_git_resolve(ctx, path, IOV_MAIN_REF, commit);
	if (rc == IOV_E_NOT_FOUND)
		return IOV_OK;
	return rc ? rc
		  : iov_error(ctx, IOV_E_CONFLICT,
			      "'%s' holds a registry or another repository already; name a new folder", path);
}

static int first_files(struct iov_ctx *ctx, const struct iov_host *host, const struct iov_buf *root_note,
		       struct iov_changes *changes)
{
	char path[IOV_ROOT_PATH_MAX];
	iov_auto(iov_buf_release) struct iov_buf description = {0};
	iov_root_path(1, path);
	int rc = iov_description_make(ctx, host->root, &description);
	if (!rc)
		rc = iov_changes_put(ctx, changes, IOV_DESCRIPTION_PATH, description.data, description.len);
	if (!rc)
		rc = iov_changes_put(ctx, changes, path, root_note->data, root_note->len);
	return rc ? rc : iov_changes_put(ctx, changes, IOV_TOP_PATH, "", 0);
}

static json_t *describe(struct iov_ctx *ctx, const struct iov_host *host, const char *commit)
{
	char expires[IOV_TIME_SIZE];
	struct iov_verifier log;
	const struct iov_verifier *key = &host->root->registry.keys[0];
	iov_time_text(host->head.expires, expires);
	if (iov_log_verifier(ctx, host->root, key, &log))
		return NULL;
	iov_auto(iov_free_ptr) char *key_text = iov_verifier_text(key);
	iov_auto(iov_free_ptr) char *log_text = iov_verifier_text(&log);
	if (!key_text || !log_text)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "commit", commit, "expires", expires, "fingerprint",
			 host->root->fingerprint, "key", key_text, "log_key", log_text, "origin", host->root->origin,
			 "path", host->path);
}

static int create_at(struct iov_ctx *ctx, const char *path, const struct iov_root_plan *plan, int64_t now, json_t **ret)
{
	char commit[IOV_COMMIT_SIZE];
	iov_auto(iov_buf_release) struct iov_buf root_note = {0};
	iov_auto(iov_host_release) struct iov_host host = {.path = strdup(path)};
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	if (!host.path)
		return iov_oom(ctx);
	int rc = iov_root_make(ctx, plan, &root_note);
	if (!rc)
		rc = iov_root_parse(ctx, "the new root", root_note.data, root_note.len, &host.root);
	if (!rc)
		rc = check_unused(ctx, path);
	if (!rc)
		rc = first_files(ctx, &host, &root_note, &changes);
	if (rc)
		return rc;
	host.head.log_root = iov_merkle_empty();
	iov_sha256_hex("", 0, host.head.manifest);
	rc = iov_host_commit(ctx, &host, plan->signer, IOV_HEAD_DAYS, now, &changes, "begin the registry", commit);
	if (rc || !ret)
		return rc;
	*ret = describe(ctx, &host, commit);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_registry_create(struct iov_ctx *ctx, const char *path, const char *origin, const struct iov_signer *signer,
			const char *const *publishers, size_t count, json_t **ret)
{
	int64_t now = time(NULL);
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	const struct iov_root_plan plan = {
		.origin = origin,
		.expires = now + (int64_t)IOV_ROOT_DAYS * IOV_DAY,
		.signer = signer,
		.publishers = publishers,
		.n_publishers = count,
	};
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (rc)
		return rc;
	if (!local)
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' is not on this host; make the registry in a folder here and push it there",
				 path);
	return create_at(ctx, place, &plan, now, ret);
}

/* ---- a new head over the same content ---- */

struct resign {
	const char *path;
	const struct iov_signer *signer;
	unsigned days, left;
	json_t **ret;
};

static json_t *describe_head(const struct iov_host *host, const char *commit, bool changed)
{
	char expires[IOV_TIME_SIZE];
	iov_time_text(host->head.expires, expires);
	return json_pack("{s:b, s:s, s:s, s:I, s:s}", "changed", changed, "commit", commit, "expires", expires, "head",
			 (json_int_t)host->head.version, "origin", host->root->origin);
}

/* The newest root may have come after the head: then there is news whatever the time. */
static bool is_good_for(const struct iov_host *host, unsigned days, int64_t now)
{
	return days && host->head.root == host->root->version && host->head.expires - now >= (int64_t)days * IOV_DAY;
}

static int resign_once(struct iov_ctx *ctx, void *cookie)
{
	const struct resign *resign = cookie;
	char commit[IOV_COMMIT_SIZE];
	int64_t now = time(NULL);
	iov_auto(iov_host_release) struct iov_host host = {0};
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	int rc = iov_host_open(ctx, resign->path, &host);
	bool good = !rc && is_good_for(&host, resign->left, now);
	if (!rc && !good)
		rc = iov_host_commit(ctx, &host, resign->signer, resign->days, now, &changes, "refresh the head",
				     commit);
	if (rc || !resign->ret)
		return rc;
	*resign->ret = describe_head(&host, good ? host.commit : commit, !good);
	return *resign->ret ? IOV_OK : iov_oom(ctx);
}

int iov_registry_resign_head(struct iov_ctx *ctx, const char *path, const struct iov_signer *signer, unsigned days,
			     unsigned left, json_t **ret)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	if (days > IOV_HEAD_DAYS_MAX)
		return iov_error(ctx, IOV_E_USAGE,
				 "%u days of validity are too many; a head lives at most %d days, so that a registry "
				 "that stopped is noticed",
				 days, IOV_HEAD_DAYS_MAX);
	if (left >= (days ? days : IOV_HEAD_DAYS))
		return iov_error(ctx, IOV_E_USAGE,
				 "a new head lives %u days, so one with less than %u left would be renewed each time; "
				 "name fewer days",
				 days ? days : IOV_HEAD_DAYS, left);
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (!rc && !local)
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' is not on this host; refresh the registry where its repository is", path);
	struct resign resign = {place, signer, days ? days : IOV_HEAD_DAYS, left, ret};
	return rc ? rc : iov_turn(ctx, place, resign_once, &resign);
}

int iov_registry_signers(struct iov_ctx *ctx, const char *path, struct iov_verifier **ret, size_t *ret_count)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (!rc && !local)
		return iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; name the folder of the repository", path);
	if (!rc)
		rc = iov_host_open(ctx, place, &host);
	if (rc)
		return rc;
	*ret = iov_take(host.root->registry.keys);
	*ret_count = host.root->registry.n_keys;
	return IOV_OK;
}
