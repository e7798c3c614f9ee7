/*
 * Who a job is. An archive needs nobody's files, HTTP none but public ones: they are the spare user. A git job is the
 * owner of its repository, so that what it writes stays the owner's, and a clone of another host's registry is given to
 * the spare user. What is left is root on root's own repositories, and speaking ssh with the caller's keys: these keep
 * the user id, and of all capabilities the one to open files.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "worker/sandbox.h"

#define SPARE_ID 65534 /* nobody, nogroup */

struct identity {
	uid_t uid;
	gid_t gid;
};

/* ---- capabilities ----------------------------------------------------------------------------------------------- */

/* Keeps this set, or what the process has of it, for good. */
static int keep_capabilities(struct iov_ctx *ctx, uint32_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[2] = {0}, want[2] = {0};
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (cap > 31 || !(keep & 1u << cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0,
			      0); /* needs CAP_SETPCAP; who lacks that has no use for the set */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, now))
		return iov_error_errno(ctx, errno, "worker: cannot read capabilities");
	want[0].effective = want[0].permitted = now[0].permitted & keep;
	if (syscall(SYS_capset, &header, want))
		return iov_error_errno(ctx, errno, "worker: cannot drop capabilities");
	return IOV_OK;
}

/* ---- user ids --------------------------------------------------------------------------------------------------- */

static bool can_open(const struct identity *who, const char *folder)
{
	bool can = false;
	if (setegid(who->gid) == 0 && seteuid(who->uid) == 0) {
		iov_auto(iov_close_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		can = fd >= 0;
	}
	return seteuid(0) == 0 && setegid(0) == 0 && can;
}

/* Root in a user namespace may have no such user: then the capabilities go, and the id stays. */
static int become(struct iov_ctx *ctx, const struct identity *who)
{
	if (setresgid(who->gid, who->gid, who->gid) && errno != EINVAL)
		return iov_error_errno(ctx, errno, "worker: cannot change to group %u", who->gid);
	if (setresuid(who->uid, who->uid, who->uid) && errno != EINVAL)
		return iov_error_errno(ctx, errno, "worker: cannot change to user %u", who->uid);
	return keep_capabilities(ctx, 0);
}

/* ---- giving a clone away ---------------------------------------------------------------------------------------- */

static bool give(int parent, const char *name, const struct identity *to);

static bool give_content(int folder, const struct identity *to)
{
	DIR *dir = fdopendir(folder);
	if (!dir) {
		close(folder);
		return false;
	}
	bool given = true;
	for (struct dirent *entry; given && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			given = give(dirfd(dir), entry->d_name, to);
	closedir(dir);
	return given;
}

/* Follows no link, and gives the folder last: until then nobody but root can move anything in it. */
static bool give(int parent, const char *name, const struct identity *to)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return false;
	if (S_ISDIR(st.st_mode)) {
		int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || !give_content(fd, to))
			return false;
	} else if (!S_ISREG(st.st_mode) || st.st_nlink > 1) {
		return false;
	}
	return fchownat(parent, name, to->uid, to->gid, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---- the choice ------------------------------------------------------------------------------------------------- */

/* Who owns the repository, or shall own it. False: root stays root. */
static bool find_owner(const struct iov_rights *rights, struct identity *ret)
{
	struct stat st;
	if (rights->has_url && rights->url.kind == IOV_URL_SSH)
		return false;
	if (lstat(rights->repo, &st) || !S_ISDIR(st.st_mode))
		return false;
	*ret = (struct identity){st.st_uid, st.st_gid};
	if (st.st_uid == 0 && rights->network) {
		const struct identity spare = {SPARE_ID, SPARE_ID};
		if (!give(AT_FDCWD, rights->repo, &spare))
			return false;
		*ret = spare;
	}
	return ret->uid != 0 && can_open(ret, rights->repo);
}

int iov_sandbox_identity(struct iov_ctx *ctx, const struct iov_rights *rights)
{
	struct identity who = {SPARE_ID, SPARE_ID};
	if (geteuid() != 0)
		return keep_capabilities(ctx, 0);
	if (setgroups(0, NULL) && errno != EPERM) /* EPERM: a user namespace without groups */
		return iov_error_errno(ctx, errno, "worker: cannot give up groups");
	if (rights->kind != IOV_SANDBOX_GIT || find_owner(rights, &who))
		return become(ctx, &who);
	return keep_capabilities(ctx, 1u << CAP_DAC_OVERRIDE);
}
