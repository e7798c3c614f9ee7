#include "registry/tidy.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "core/fault.h"
#include "util/cleanup.h"

#define PACKS_MAX 50		 /* two days of a registry that has news every hour; reading is no slower by so many */
#define TIMES_MAX 4		 /* of the largest pack, which is the whole of now or as large */
#define READER_SECONDS 3600	 /* no command reads for as long */
#define BYTES_FREE (64ull << 20) /* and this much more never matters */

struct packs {
	size_t count;
	uint64_t bytes, largest;
};

static void add_pack(struct packs *packs, int folder, const char *name)
{
	struct stat st;
	size_t len = strlen(name);
	if (len < 5 || strcmp(name + len - 5, ".pack") != 0 || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	uint64_t size = (uint64_t)st.st_size;
	packs->count++;
	packs->bytes += size;
	packs->largest = size > packs->largest ? size : packs->largest;
}

static int count_packs(struct iov_ctx *ctx, const char *repo, struct packs *packs)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/objects/pack", repo) < 0)
		return iov_oom(ctx);
	DIR *folder = opendir(path);
	if (!folder)
		return IOV_OK; /* nothing was fetched yet */
	for (struct dirent *entry; (entry = readdir(folder));)
		add_pack(packs, dirfd(folder), entry->d_name);
	closedir(folder);
	return IOV_OK;
}

static bool is_due(const struct packs *packs)
{
	return packs->count > PACKS_MAX || packs->bytes > TIMES_MAX * packs->largest + BYTES_FREE;
}

/* Packs that became superfluous are spared until nobody can be reading them any more. */
static bool is_waiting(const char *repo)
{
	struct stat st;
	time_t now = time(NULL);
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/" IOV_GIT_SUPERSEDED, repo) < 0)
		return true;
	return !lstat(path, &st) && st.st_mtime <= now && now - st.st_mtime < READER_SECONDS;
}

static int tidy(struct iov_ctx *ctx, const struct iov_trust *trust)
{
	struct packs packs = {.count = 0};
	char whole[IOV_COMMIT_SIZE];
	int rc = count_packs(ctx, trust->repo, &packs);
	if (rc || !is_due(&packs) || is_waiting(trust->repo))
		return rc;
	rc = iov_git_gather(ctx, trust->repo, *trust->commit ? trust->commit : NULL, whole);
	if (!rc)
		rc = iov_fault(ctx, "clone gathered");
	if (!rc)
		rc = iov_git_drop_packs(ctx, trust->repo, whole);
	return rc ? rc : iov_fault(ctx, "clone packs dropped");
}

void iov_trust_tidy(struct iov_ctx *ctx, const struct iov_trust *trust)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	if (tidy(ctx, trust))
		iov_warn(ctx,
			 "the clone of registry '%s' cannot be packed anew, and grows until it can: %s; its updates go "
			 "on",
			 trust->name, iov_error_text(ctx));
	iov_error_restore(ctx, saved);
}
