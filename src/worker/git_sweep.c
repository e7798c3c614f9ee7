#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "worker/git.h"

#define UNFINISHED "pack_git2_" /* how libgit2 names a pack that comes in */
#define STALE_SECONDS 3600	/* no worker lives as long */

static bool is_stale(int folder, const char *name)
{
	struct stat st;
	return !strncmp(name, UNFINISHED, strlen(UNFINISHED)) && !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > STALE_SECONDS;
}

int iov_git_sweep(struct iov_job *job, git_repository *repo)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%sobjects/pack", git_repository_path(repo));
	if (iov_buf_failed(&path))
		return iov_oom(job->ctx);
	DIR *folder = opendir(path.data);
	if (!folder)
		return IOV_OK; /* no pack yet */
	for (struct dirent *entry; (entry = readdir(folder));)
		if (is_stale(dirfd(folder), entry->d_name))
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	return IOV_OK;
}
