#include "hooks/link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "hooks/site.h"
#include "util/cleanup.h"

static int link_info(struct iov_ctx *ctx, const struct iov_site *site, int fd, struct bpf_link_info *ret)
{
	uint32_t len = sizeof(*ret);
	memset(ret, 0, sizeof(*ret));
	return bpf_link_get_info_by_fd(fd, ret, &len) ? iov_site_refused(ctx, site, "asked for at", errno) : IOV_OK;
}

/* A link outlives its interface, and then sits on interface 0. The ifindex is the first member for every type served
 * here. */
static bool is_dead(const struct bpf_link_info *info)
{
	return !info->xdp.ifindex;
}

int iov_link_adopt(struct iov_ctx *ctx, const struct iov_site *site, const char *from_dir, const char *to_dir)
{
	return iov_site_share(ctx, site, from_dir, to_dir, "links");
}

static int attach_anew(struct iov_ctx *ctx, const struct iov_site *site, const char *dir,
		       int (*attach)(struct iov_ctx *, const struct iov_site *, const char *))
{
	int rc = iov_site_unpin(ctx, site, dir, "links");
	return rc ? rc : attach(ctx, site, dir);
}

int iov_link_swap(struct iov_ctx *ctx, const struct iov_site *site, const char *dir,
		  int (*attach)(struct iov_ctx *, const struct iov_site *, const char *))
{
	iov_auto(iov_close_fd) int link = -1;
	iov_auto(iov_close_fd) int program = -1;
	struct bpf_link_info info = {0};
	int rc = iov_site_program(ctx, site, dir, &program);
	if (!rc)
		rc = iov_site_open(ctx, site, dir, "links", &link);
	if (!rc && link >= 0)
		rc = link_info(ctx, site, link, &info);
	if (rc)
		return rc;
	if (link < 0 || is_dead(&info))
		return attach_anew(ctx, site, dir, attach);
	return bpf_link_update(link, program, NULL) ? iov_site_refused(ctx, site, "swapped in at", errno) : IOV_OK;
}

int iov_link_detach(struct iov_ctx *ctx, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_close_fd) int link = -1;
	int rc = iov_site_open(ctx, site, dir, "links", &link);
	if (rc || link < 0)
		return rc;
	/* The kernel drops an unpinned link some time later; who attaches here next must not find the place taken. */
	if (bpf_link_detach(link) && errno != EOPNOTSUPP && errno != ENOLINK)
		return iov_site_refused(ctx, site, "detached from", errno);
	return iov_site_unpin(ctx, site, dir, "links");
}

int iov_link_running(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_running *ret)
{
	iov_auto(iov_close_fd) int link = -1;
	struct bpf_link_info info = {0};
	struct iov_running running = {0};
	int rc = iov_site_open(ctx, site, dir, "links", &link);
	if (!rc && link >= 0)
		rc = link_info(ctx, site, link, &info);
	if (!rc && link >= 0 && !is_dead(&info)) {
		running.link_id = info.id;
		rc = iov_site_count_runs(ctx, info.prog_id, &running);
	}
	if (!rc)
		*ret = running;
	return rc;
}
