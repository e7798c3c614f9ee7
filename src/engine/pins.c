#include "engine/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/engine.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

static bool is_bpffs(const char *path)
{
	struct statfs fs;
	return !statfs(path, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* Mounted as systemd does it. A mount that another process made meanwhile is as good. */
static int mount_bpffs(struct iov_ctx *ctx, const char *path)
{
	int rc = iov_fs_mkdirs(path, 0755);
	if (!rc && mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		rc = -errno;
	if (!rc || is_bpffs(path))
		return IOV_OK;
	if (rc == -EPERM || rc == -EACCES)
		return iov_error(
			ctx, IOV_E_PERMISSION,
			"bpffs is not mounted at '%s', and mounting it needs root; run 'mount -t bpf bpf %s' as root",
			path, path);
	if (rc == -ENODEV)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "this kernel has no bpffs; use one with CONFIG_BPF_SYSCALL, such as a distribution's");
	return iov_error_errno(ctx, rc,
			       "cannot mount bpffs at '%s'; make that a folder and run 'mount -t bpf bpf %s' as root",
			       path, path);
}

int iov_pins_prepare(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *fs = iov_path(ctx, IOV_BPFFS);
	iov_auto(iov_free_ptr) char *pins = iov_path(ctx, IOV_PINS);
	if (!fs || !pins)
		return iov_oom(ctx);
	int rc = is_bpffs(fs) ? IOV_OK : mount_bpffs(ctx, fs);
	if (rc)
		return rc;
	rc = iov_fs_mkdirs(pins, 0700);
	return rc ? iov_error_errno(ctx, rc, "cannot make the folder of pins '%s'", pins) : IOV_OK;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int link_tree(const char *from, const char *to);

static int link_entry(const char *from_dir, const char *to_dir, const struct dirent *entry)
{
	iov_auto(iov_buf_release) struct iov_buf from = {0}, to = {0};
	iov_buf_printf(&from, "%s/%s", from_dir, entry->d_name);
	iov_buf_printf(&to, "%s/%s", to_dir, entry->d_name);
	if (iov_buf_failed(&from) || iov_buf_failed(&to))
		return -ENOMEM;
	if (entry->d_type == DT_DIR) /* bpffs tells always */
		return link_tree(from.data, to.data);
	return link(from.data, to.data) && errno != EEXIST ? -errno : 0;
}

/* Hard links: bpffs counts them, and an object goes with its last one. */
static int link_tree(const char *from, const char *to)
{
	iov_auto(close_dir) DIR *dir = opendir(from);
	if (!dir || (mkdir(to, 0700) && errno != EEXIST))
		return -errno;
	int rc = 0;
	for (struct dirent *entry; !rc && (entry = readdir(dir));)
		if (!is_dot(entry->d_name))
			rc = link_entry(from, to, entry);
	return rc;
}

int iov_pins_adopt(struct iov_ctx *ctx, const char *from_dir, const char *to_dir)
{
	int rc = link_tree(from_dir, to_dir);
	return rc ? iov_error_errno(ctx, rc, "cannot pin what is below '%s' a second time below '%s'", from_dir, to_dir)
		  : IOV_OK;
}

int iov_pins_exchange(struct iov_ctx *ctx, const char *a, const char *b)
{
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE))
		return iov_error_errno(ctx, errno, "cannot exchange the folders of pins '%s' and '%s'", a, b);
	return IOV_OK;
}

int iov_pins_remove(struct iov_ctx *ctx, const char *dir)
{
	int rc = iov_fs_rmtree(dir);
	return rc ? iov_error_errno(ctx, rc, "cannot remove the pins below '%s'", dir) : IOV_OK;
}

char *iov_pins_path(const char *dir, const char *kind, const char *name)
{
	iov_auto(iov_free_ptr) char *pin = iov_pin_name(name);
	struct iov_buf path = {0};
	if (!pin)
		return NULL;
	iov_buf_printf(&path, "%s/%s/%s", dir, kind, pin);
	return iov_buf_take(&path);
}

int iov_pins_open(struct iov_ctx *ctx, const char *path, int *ret)
{
	int fd = bpf_obj_get(path);
	if (fd < 0 && errno != ENOENT)
		return iov_error_errno(ctx, errno, "cannot open pin '%s'", path);
	*ret = fd < 0 ? -1 : fd;
	return IOV_OK;
}
