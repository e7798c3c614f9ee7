#include <stdio.h>
#include <string.h>

#include "fetch/fetch.h"
#include "ops/mend.h"
#include "ops/registries.h"
#include "state/generations.h"
#include "state/record.h"
#include "store/entry.h"
#include "store/store.h"
#include "util/cleanup.h"

struct mending {
	const struct iov_findings *found;
	struct iov_registries *registries; /* opened when the first release is to be fetched */
};

static void release_mending(struct mending *mending)
{
	iov_registries_free(mending->registries);
}

static bool is_found(const struct mending *mending, enum iov_finding_kind kind, const char *name)
{
	for (size_t i = 0; i < mending->found->count; i++)
		if (mending->found->items[i].kind == kind && !strcmp(mending->found->items[i].subject, name))
			return true;
	return false;
}

/* The very release that the lock names; another one of the same version is not it. */
static int find_release(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_record_row *row,
			const struct iov_release **ret)
{
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = row->registry ? iov_registries_choose(ctx, registries, row->name, row->registry) : IOV_OK;
	if (!rc)
		rc = iov_registries_releases(ctx, registries, row->name, &releases, &count);
	for (size_t i = 0; !rc && i < count; i++)
		if (!strcmp(releases[i]->sha256, row->sha256)) {
			*ret = releases[i];
			return IOV_OK;
		}
	return rc ? rc
		  : iov_error(ctx, IOV_E_NOT_FOUND,
			      "no registry has '%s' %s with the digest %s that the lock names; install another release",
			      row->name, row->version, row->sha256);
}

/* What is damaged goes only when what replaces it is at hand. */
static int fetch_again(struct iov_ctx *ctx, struct mending *mending, const struct iov_record_row *row)
{
	const struct iov_release *release = NULL;
	iov_auto(iov_free_ptr) char *archive = NULL;
	int rc = mending->registries ? IOV_OK : iov_registries_open_fresh(ctx, &mending->registries);
	if (!rc)
		rc = find_release(ctx, mending->registries, row, &release);
	if (!rc)
		rc = iov_fetch_archive(ctx, mending->registries, release, &archive);
	if (!rc)
		rc = iov_entry_remove(ctx, row->sha256);
	return rc ? rc : iov_store_add(ctx, release, archive);
}

static int mend_row(struct iov_ctx *ctx, const struct iov_record_row *row, void *data)
{
	struct mending *mending = data;
	int rc = is_found(mending, IOV_FOUND_RELEASE, row->name) ? fetch_again(ctx, mending, row) : IOV_OK;
	if (!rc && is_found(mending, IOV_FOUND_OBJECT, row->name))
		rc = iov_entry_remove(ctx, row->object);
	return rc;
}

int iov_mend_store(struct iov_ctx *ctx, const struct iov_findings *found)
{
	iov_auto(release_mending) struct mending mending = {.found = found};
	iov_auto(iov_json_release) json_t *lock = NULL;
	uint64_t number = 0;
	int rc = iov_generation_current_number(ctx, &number);
	iov_auto(iov_free_ptr) char *path =
		iov_path(ctx, IOV_STATE "/generations/%llu/lock.json", (unsigned long long)number);
	if (!rc && !path)
		rc = iov_oom(ctx);
	if (!rc)
		rc = iov_json_read(ctx, path, IOV_RECORD_MAX, &lock);
	return rc ? rc : iov_record_rows(ctx, path, lock, mend_row, &mending);
}
