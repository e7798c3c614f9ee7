#include "hooks/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <mntent.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/nearest.h"

static void close_mounts(FILE **mounts)
{
	if (*mounts)
		endmntent(*mounts);
}

/* Where the hierarchy is mounted. */
static int find_root(struct iov_ctx *ctx, struct iov_buf *ret)
{
	iov_auto(close_mounts) FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char line[4096];
	while (mounts && getmntent_r(mounts, &entry, line, sizeof(line)))
		if (!strcmp(entry.mnt_type, "cgroup2")) {
			iov_buf_printf(ret, "%s", entry.mnt_dir);
			return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
		}
	return iov_error(ctx, IOV_E_UNSUPPORTED,
			 "no cgroup2 hierarchy is mounted; mount it with 'mount -t cgroup2 cgroup2 /sys/fs/cgroup'");
}

static bool is_cgroup(int fd)
{
	struct statfs fs;
	return !fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool is_folder(const char *parent, const char *name)
{
	struct iov_buf path = {0};
	struct stat found;
	iov_buf_printf(&path, "%s/%s", parent, name);
	bool folder = !iov_buf_failed(&path) && !stat(path.data, &found) && S_ISDIR(found.st_mode);
	iov_buf_release(&path);
	return folder;
}

/* Nearest to the last part of the path, among the folders next to where it should be. */
static int not_found(struct iov_ctx *ctx, const struct iov_site *site, char *path)
{
	char *slash = strrchr(path, '/'), **names = NULL;
	size_t count = 0;
	struct iov_nearest nearest;
	*slash = '\0';
	iov_nearest_init(&nearest, slash + 1, strlen(slash + 1));
	if (!iov_fs_names(path, &names, &count))
		for (size_t i = 0; i < count; i++)
			if (is_folder(path, names[i]))
				iov_nearest_offer(&nearest, names[i]);
	int rc = nearest.name ? iov_error(ctx, IOV_E_NOT_FOUND, "cgroup '%s' not found; did you mean '%s/%s'?",
					  site->target, path, nearest.name)
			      : iov_error(ctx, IOV_E_NOT_FOUND,
					  "cgroup '%s' not found; 'systemd-cgls' shows what there is below '%s'",
					  site->target, path);
	iov_fs_names_free(names, count);
	return rc;
}

static int path_of(struct iov_ctx *ctx, const struct iov_site *site, struct iov_buf *ret)
{
	if (!*site->target)
		return iov_error(ctx, IOV_E_INPUT,
				 "program '%s' of instance '%s' has no cgroup; name one as its target in the "
				 "manifest, 'target: $cgroup'",
				 site->program, site->instance);
	if (*site->target == '/') {
		iov_buf_printf(ret, "%s", site->target);
		return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
	}
	int rc = find_root(ctx, ret);
	if (rc)
		return rc;
	iov_buf_printf(ret, "/%s", site->target);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

static int not_a_cgroup(struct iov_ctx *ctx, const struct iov_site *site)
{
	iov_auto(iov_buf_release) struct iov_buf root = {0};
	int rc = find_root(ctx, &root);
	return rc ? rc
		  : iov_error(ctx, IOV_E_INPUT, "'%s' is no cgroup; cgroups are folders below '%s'", site->target,
			      root.data);
}

int iov_cgroup_open(struct iov_ctx *ctx, const struct iov_site *site, int *ret)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_auto(iov_close_fd) int fd = -1;
	int rc = path_of(ctx, site, &path);
	if (rc || !path.data)
		return rc;
	fd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return not_found(ctx, site, path.data);
	if (fd < 0 && errno != ENOTDIR)
		return iov_error_errno(ctx, errno, "cannot open cgroup '%s'", path.data);
	if (fd < 0 || !is_cgroup(fd))
		return not_a_cgroup(ctx, site);
	*ret = iov_take_fd(&fd);
	return IOV_OK;
}

bool iov_cgroup_alive(const struct bpf_link_info *info)
{
	return info->cgroup.cgroup_id != 0;
}
