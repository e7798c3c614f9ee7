#include "hooks/beside.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "hooks/site.h"
#include "util/cleanup.h"

static int attach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_close_fd) int program = -1;
	iov_auto(iov_close_fd) int link = -1;
	int rc = iov_site_program(ctx, site, dir, &program);
	if (!rc)
		rc = hook->link(ctx, site, program, &link);
	return rc ? rc : iov_site_pin(ctx, site, dir, "links", link);
}

/* The old tree keeps its link, and the new tree gets one of its own. */
static int adopt(struct iov_ctx *ctx, const struct iov_site *from, const char *from_dir, const struct iov_site *to,
		 const char *to_dir)
{
	(void)ctx, (void)from, (void)from_dir, (void)to, (void)to_dir;
	return IOV_OK;
}

static int detach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	(void)hook;
	return iov_site_unpin(ctx, site, dir, "links");
}

static int running(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		   struct iov_running *ret)
{
	iov_auto(iov_close_fd) int link = -1;
	struct iov_running running = {0};
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	int rc = iov_site_open(ctx, site, dir, "links", &link);
	if (!rc && link >= 0) {
		if (bpf_link_get_info_by_fd(link, &info, &len))
			return iov_site_refused(ctx, site, "asked for at", errno);
		if (!hook->alive || hook->alive(&info)) {
			running.link_id = info.id;
			rc = iov_site_count_runs(ctx, info.prog_id, &running);
		}
	}
	if (!rc)
		*ret = running;
	return rc;
}

/* There is one program to a link here, for good: what runs is what was attached. */
static int swap(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	struct iov_running now = {0};
	int rc = running(ctx, hook, site, dir, &now);
	if (rc || now.prog_id)
		return rc;
	rc = detach(ctx, hook, site, dir);
	return rc ? rc : attach(ctx, hook, site, dir);
}

const struct iov_style iov_style_beside = {
	.move = IOV_MOVE_TWICE,
	.attach = attach,
	.adopt = adopt,
	.swap = swap,
	.detach = detach,
	.running = running,
};
