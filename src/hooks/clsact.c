/*
 * clsact: traffic control through netlink, for kernels without TCX. There is no link: a filter stays when its maker
 * dies, so ours carry a mark by which they are found again, one priority and a handle made of root, instance and
 * program. The kernel replaces the program of a filter in one step, under the same mark.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "core/digest.h"
#include "hooks/interface.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/tc.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define PRIORITY 0x4956 /* "IV": shows up as "pref 18774" */

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	unsigned index = 0;
	return iov_interface_index(ctx, site, &index);
}

static uint32_t handle_of(const struct iov_ctx *ctx, const struct iov_site *site)
{
	struct iov_buf mark = {0};
	uint8_t digest[IOV_DIGEST_SIZE];
	iov_buf_printf(&mark, "%s|%s|%s", ctx->root, site->instance, site->program);
	if (iov_buf_failed(&mark))
		return 0;
	iov_sha256(mark.data, mark.len, digest);
	iov_buf_release(&mark);
	uint32_t handle;
	memcpy(&handle, digest, sizeof(handle));
	return (handle & 0x7fffffff) | 1; /* 0 would let the kernel choose */
}

struct place {
	struct bpf_tc_hook hook;
	struct bpf_tc_opts filter;
};

static int place_of(struct iov_ctx *ctx, const struct iov_site *site, unsigned ifindex, struct place *ret)
{
	uint32_t handle = handle_of(ctx, site);
	if (!handle)
		return iov_oom(ctx);
	*ret = (struct place){
		.hook = {.sz = sizeof(struct bpf_tc_hook),
			 .ifindex = (int)ifindex,
			 .attach_point = iov_interface_egress(site) ? BPF_TC_EGRESS : BPF_TC_INGRESS},
		.filter = {.sz = sizeof(struct bpf_tc_opts), .handle = handle, .priority = PRIORITY},
	};
	return IOV_OK;
}

/* Attaching and swapping are one request to the kernel: put this program under our mark. */
static int attach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	(void)hook;
	unsigned ifindex = 0;
	struct place place = {0};
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_interface_index(ctx, site, &ifindex);
	if (!rc)
		rc = place_of(ctx, site, ifindex, &place);
	if (!rc)
		rc = iov_site_program(ctx, site, dir, &program);
	if (rc)
		return rc;
	int err = bpf_tc_hook_create(&place.hook);
	if (err && err != -EEXIST)
		return iov_site_refused(ctx, site, "attached to", err);
	place.filter.prog_fd = program;
	place.filter.flags = BPF_TC_F_REPLACE;
	err = bpf_tc_attach(&place.hook, &place.filter);
	return err ? iov_site_refused(ctx, site, "attached to", err) : IOV_OK;
}

static int adopt(struct iov_ctx *ctx, const struct iov_site *from, const char *from_dir, const struct iov_site *to,
		 const char *to_dir)
{
	(void)ctx, (void)from, (void)from_dir, (void)to, (void)to_dir; /* nothing is pinned: the mark is enough */
	return IOV_OK;
}

/* EINVAL: no clsact on this interface. */
static bool is_absent(int err)
{
	return err == -ENOENT || err == -EINVAL || err == -ENODEV;
}

static int detach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	(void)hook, (void)dir;
	struct place place = {0};
	unsigned ifindex = iov_interface_find(site);
	if (!ifindex)
		return IOV_OK; /* its filters went with the interface */
	int rc = place_of(ctx, site, ifindex, &place);
	if (rc)
		return rc;
	int err = bpf_tc_detach(&place.hook, &place.filter);
	return err && !is_absent(err) ? iov_site_refused(ctx, site, "detached from", err) : IOV_OK;
}

static int running(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		   struct iov_running *ret)
{
	(void)hook, (void)dir;
	struct place place = {0};
	struct iov_running running = {0};
	unsigned ifindex = iov_interface_find(site);
	int rc = ifindex ? place_of(ctx, site, ifindex, &place) : IOV_OK;
	int err = ifindex && !rc ? bpf_tc_query(&place.hook, &place.filter) : -ENOENT;
	if (err && !is_absent(err))
		return iov_site_refused(ctx, site, "asked for at", err);
	if (!rc && !err)
		rc = iov_site_count_runs(ctx, place.filter.prog_id, &running);
	if (!rc)
		*ret = running;
	return rc;
}

static const struct iov_style style = {
	.move = IOV_MOVE_REPLACE,
	.attach = attach,
	.adopt = adopt,
	.swap = attach,
	.detach = detach,
	.running = running,
};

const struct iov_hook iov_hook_clsact = {
	.name = "clsact",
	.sections = iov_tc_sections,
	.program_type = BPF_PROG_TYPE_SCHED_CLS,
	.attach_type = IOV_TC_ATTACH_TYPE,
	.style = &style,
	.check = check,
};
