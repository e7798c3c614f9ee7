/* lock: from a host manifest to exactly the releases that it comes to, without the host. */
#include <string.h>

#include "ops/choose.h"
#include "ops/edit.h"
#include "ops/hostfile.h"
#include "ops/lock_proofs.h"
#include "ops/party.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* In the words of a plan; NULL: nothing changes. */
static const char *change_of(const struct iov_locked *before, const struct iov_release *after)
{
	if (!before || !after)
		return after ? "install" : "remove";
	if (!strcmp(before->sha256, after->sha256))
		return NULL;
	return iov_version_compare(&before->version, &after->manifest->version) < 0 ? "upgrade" : "downgrade";
}

static bool add_change(json_t *list, const char *name, const struct iov_locked *before, const struct iov_release *after)
{
	const char *change = change_of(before, after);
	return !change || !json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:s?}", "module", name, "change",
								 change, "from", before ? before->version.text : NULL,
								 "to", after ? after->manifest->version.text : NULL));
}

/* Both are sorted by name. */
static json_t *changes(const struct iov_lockfile *before, const struct iov_release *const *after, size_t count)
{
	iov_auto(iov_json_release) json_t *list = json_array();
	size_t old = 0, new = 0;
	bool good = list != NULL;
	while (good && (old < before->count || new < count)) {
		int order = old == before->count ? 1
			    : new == count	 ? -1
						 : strcmp(before->rows[old].name, after[new]->manifest->name);
		const char *name = order > 0 ? after[new]->manifest->name : before->rows[old].name;
		const struct iov_locked *was = order > 0 ? NULL : &before->rows[old];
		const struct iov_release *is = order < 0 ? NULL : after[new];
		good = add_change(list, name, was, is);
		old += was != NULL;
		new += is != NULL;
	}
	return good ? iov_take(list) : NULL;
}

struct locking {
	struct iov_hostfile host;
	struct iov_lockfile before;
	struct iov_wished_list wishes;
	struct iov_registries *registries;
	struct iov_generation *locked;
	struct iov_judge **judges;
	size_t n_judges;
};

static void locking_release(struct locking *locking)
{
	for (size_t i = 0; i < locking->n_judges; i++)
		iov_judge_close(&locking->judges[i]);
	free(locking->judges);
	iov_generation_free(locking->locked);
	iov_registries_free(locking->registries);
	iov_wished_release(&locking->wishes);
	iov_lockfile_release(&locking->before);
	iov_hostfile_release(&locking->host);
}

static int prepare(struct iov_ctx *ctx, const char *manifest, unsigned flags, struct locking *ret)
{
	bool found = false;
	int rc = iov_hostfile_read(ctx, manifest, &ret->host);
	if (!rc)
		rc = iov_lockfile_read(ctx, ret->host.lock, &ret->before, &found);
	if (!rc)
		rc = iov_hostfile_wishes(ctx, &ret->host, &ret->wishes);
	if (!rc)
		rc = iov_hostfile_trust(ctx, &ret->host, flags);
	if (!rc)
		rc = iov_registries_open_updated(ctx, &ret->registries);
	if (!rc && ret->wishes.count)
		rc = iov_registries_need_one(ctx, ret->registries, ret->wishes.items[0].name);
	return rc ? rc : iov_hostfile_locked(ctx, ret->registries, &ret->before, false, &ret->locked);
}

/* What was said on a host stands in NAME.json, with the kernel's types beside it in NAME.btf; either names both. */
static int open_judge(struct iov_ctx *ctx, const char *path, struct iov_judge **ret)
{
	static const char json[] = ".json";
	iov_auto(iov_buf_release) struct iov_buf btf = {0};
	size_t len = strlen(path), tail = sizeof(json) - 1;
	bool is_json = len > tail && !strcmp(path + len - tail, json);
	if (is_json && !iov_fs_exists(path))
		return iov_error(ctx, IOV_E_NOT_FOUND, "there are no facts '%s'; 'iovpkg facts' on a host writes them",
				 path);
	iov_buf_printf(&btf, "%.*s%s", (int)(is_json ? len - tail : len), path, is_json ? ".btf" : "");
	return iov_buf_failed(&btf) ? iov_oom(ctx) : iov_judge_new(ctx, btf.data, ret);
}

static int open_judges(struct iov_ctx *ctx, const char *const *facts, size_t count, struct locking *ret)
{
	int rc = IOV_OK;
	ret->judges = calloc(count + 1, sizeof(struct iov_judge *));
	if (!ret->judges)
		return iov_oom(ctx);
	for (; !rc && ret->n_judges < count; ret->n_judges++)
		rc = open_judge(ctx, facts[ret->n_judges], &ret->judges[ret->n_judges]);
	return rc;
}

static int make_lock(struct iov_ctx *ctx, const struct locking *locking, const struct iov_release *const *chosen,
		     size_t count, json_t **ret)
{
	json_t **proofs = NULL;
	int rc = iov_lock_proofs(ctx, locking->registries, &locking->before, chosen, count, &proofs);
	if (rc)
		return rc;
	*ret = iov_lockfile_json(&locking->host, chosen, proofs, count);
	iov_lock_proofs_free(proofs, count);
	return *ret ? IOV_OK : iov_oom(ctx);
}

static int write_lock(struct iov_ctx *ctx, const struct locking *locking, const struct iov_release *const *chosen,
		      size_t count, unsigned flags, char **ret_json)
{
	iov_auto(iov_json_release) json_t *lock = NULL;
	int rc = make_lock(ctx, locking, chosen, count, &lock);
	if (rc)
		return rc;
	json_t *list = changes(&locking->before, chosen, count);
	if (!list)
		return iov_oom(ctx);
	bool changed = !locking->before.json || !json_equal(lock, locking->before.json);
	rc = changed && !(flags & IOV_DRY_RUN) ? iov_lockfile_write(ctx, locking->host.lock, lock) : IOV_OK;
	json_t *answer = json_pack("{s:s, s:b, s:I, s:o}", "lock", locking->host.lock, "changed", changed, "count",
				   (json_int_t)count, "releases", list);
	if (!rc)
		return iov_answer(ctx, answer, ret_json);
	json_decref(answer);
	return rc;
}

int iov_lock(struct iov_ctx *ctx, const char *manifest, const char *const *facts, size_t count, unsigned flags,
	     char **ret_json)
{
	iov_auto(locking_release) struct locking locking = {0};
	iov_auto(iov_free_ptr) const struct iov_release **chosen = NULL;
	size_t n_chosen = 0;
	int rc = open_judges(ctx, facts, count, &locking);
	if (!rc)
		rc = prepare(ctx, manifest, flags, &locking);
	if (rc)
		return rc;
	const struct iov_choose choose = {.registries = locking.registries,
					  .judges = locking.judges,
					  .n_judges = locking.n_judges,
					  .locked = locking.locked,
					  .wishes = &locking.wishes,
					  .unlock_all = flags & IOV_RENEW};
	rc = iov_choose(ctx, &choose, &chosen, &n_chosen);
	if (rc)
		return rc;
	for (size_t i = 0; i < locking.n_judges; i++)
		iov_party_tell(ctx, locking.judges[i], chosen, n_chosen);
	return write_lock(ctx, &locking, chosen, n_chosen, flags, ret_json);
}
