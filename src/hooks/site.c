#include "hooks/site.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define STATS_FILE "/proc/sys/kernel/bpf_stats_enabled"

static char *pin_path(const struct iov_site *site, const char *dir, const char *kind)
{
	struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s/%s", dir, kind, site->program);
	return iov_buf_take(&path);
}

int iov_site_open(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const char *kind, int *ret)
{
	iov_auto(iov_free_ptr) char *path = pin_path(site, dir, kind);
	if (!path)
		return iov_oom(ctx);
	int fd = bpf_obj_get(path);
	if (fd < 0 && errno != ENOENT)
		return iov_error_errno(ctx, errno, "cannot open pin '%s'", path);
	*ret = fd < 0 ? -1 : fd;
	return IOV_OK;
}

int iov_site_program(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, int *ret)
{
	int rc = iov_site_open(ctx, site, dir, "progs", ret);
	if (!rc && *ret < 0)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "instance '%s': program '%s' is not pinned below '%s'; load it again", site->instance,
				 site->program, dir);
	return rc;
}

int iov_site_pin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const char *kind, int fd)
{
	iov_auto(iov_free_ptr) char *path = pin_path(site, dir, kind);
	if (!path)
		return iov_oom(ctx);
	int rc = iov_fs_mkdirs_for(path, 0700);
	if (!rc && bpf_obj_pin(fd, path))
		rc = -errno;
	return rc ? iov_error_errno(ctx, rc, "cannot pin '%s'", path) : IOV_OK;
}

int iov_site_share(struct iov_ctx *ctx, const struct iov_site *from, const char *from_dir, const struct iov_site *to,
		   const char *to_dir, const char *kind)
{
	iov_auto(iov_free_ptr) char *source = pin_path(from, from_dir, kind);
	iov_auto(iov_free_ptr) char *pin = pin_path(to, to_dir, kind);
	if (!source || !pin)
		return iov_oom(ctx);
	if (!iov_fs_exists(source))
		return IOV_OK;
	int rc = iov_fs_mkdirs_for(pin, 0700);
	if (!rc && link(source, pin) && errno != EEXIST)
		rc = -errno;
	return rc ? iov_error_errno(ctx, rc, "cannot pin '%s' a second time as '%s'", source, pin) : IOV_OK;
}

int iov_site_unpin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const char *kind)
{
	iov_auto(iov_free_ptr) char *path = pin_path(site, dir, kind);
	if (!path)
		return iov_oom(ctx);
	if (unlink(path) && errno != ENOENT)
		return iov_error_errno(ctx, errno, "cannot remove pin '%s'", path);
	*strrchr(path, '/') = '\0';
	rmdir(path); /* which other pins may keep */
	return IOV_OK;
}

int iov_site_refused(struct iov_ctx *ctx, const struct iov_site *site, const char *verb, int err)
{
	err = err < 0 ? -err : err;
	const char *target = *site->target ? site->target : site->section;
	if (err == EPERM)
		return iov_error(ctx, IOV_E_PERMISSION,
				 "instance '%s': program '%s' may not be %s '%s'; run it as root or give CAP_BPF, "
				 "CAP_NET_ADMIN and CAP_PERFMON",
				 site->instance, site->program, verb, target);
	return iov_error_errno(ctx, err, "instance '%s': program '%s' cannot be %s '%s'", site->instance, site->program,
			       verb, target);
}

int iov_site_program_info(struct iov_ctx *ctx, int fd, struct bpf_prog_info *ret)
{
	uint32_t len = sizeof(*ret);
	memset(ret, 0, sizeof(*ret));
	if (bpf_prog_get_info_by_fd(fd, ret, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about a program");
	return IOV_OK;
}

bool iov_site_kernel_counts(void)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	return !iov_fs_read(STATS_FILE, 16, &text) && text.len && text.data[0] == '1';
}

int iov_site_count_runs(struct iov_ctx *ctx, uint32_t prog_id, struct iov_running *ret)
{
	ret->prog_id = prog_id;
	ret->runs_known = false;
	return iov_site_kernel_counts() ? iov_site_read_runs(ctx, prog_id, ret) : IOV_OK;
}

int iov_site_read_runs(struct iov_ctx *ctx, uint32_t prog_id, struct iov_running *ret)
{
	iov_auto(iov_close_fd) int fd = bpf_prog_get_fd_by_id(prog_id);
	if (fd < 0)
		return IOV_OK; /* it went meanwhile */
	struct bpf_prog_info info;
	int rc = iov_site_program_info(ctx, fd, &info);
	if (rc)
		return rc;
	ret->runs = info.run_cnt;
	ret->runs_known = true;
	return IOV_OK;
}
