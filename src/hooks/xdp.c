/* XDP: one program an interface, in the driver where it can, else in the generic path of the stack. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <string.h>

#include "hooks/entry.h"
#include "hooks/interface.h"
#include "hooks/link.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "util/cleanup.h"

static const char *const sections[] = {"xdp", "xdp.frags", NULL};

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	unsigned index = 0;
	return iov_interface_index(ctx, site, &index);
}

/* The link that keeps a program on an interface, 0: none, it was set through netlink. Another network namespace may
 * have an interface of that number. */
static uint32_t link_on(unsigned ifindex, uint32_t prog_id)
{
	for (uint32_t id = 0; !bpf_link_get_next_id(id, &id);) {
		struct bpf_link_info info = {0};
		uint32_t len = sizeof(info);
		iov_auto(iov_close_fd) int fd = bpf_link_get_fd_by_id(id);
		if (fd >= 0 && !bpf_link_get_info_by_fd(fd, &info, &len) && info.type == BPF_LINK_TYPE_XDP &&
		    info.xdp.ifindex == ifindex && info.prog_id == prog_id)
			return id;
	}
	return 0;
}

static uint32_t program_on(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	if (bpf_xdp_query((int)ifindex, 0, &query))
		return 0;
	/* with several modes in use at once prog_id is 0, and each mode has its own */
	uint32_t ids[] = {query.prog_id, query.drv_prog_id, query.skb_prog_id, query.hw_prog_id};
	for (size_t i = 0; i < IOV_COUNT(ids); i++)
		if (ids[i])
			return ids[i];
	return 0;
}

static int is_taken(struct iov_ctx *ctx, const struct iov_site *site, unsigned ifindex, uint32_t prog_id)
{
	struct bpf_prog_info info = {0};
	iov_auto(iov_close_fd) int fd = bpf_prog_get_fd_by_id(prog_id);
	if (fd >= 0) {
		int rc = iov_site_program_info(ctx, fd, &info);
		if (rc)
			return rc;
	}
	uint32_t link = link_on(ifindex, prog_id);
	if (link)
		return iov_error(ctx, IOV_E_BUSY,
				 "interface '%s' already runs XDP program '%s' (id %u) of another tool or instance, "
				 "held by link %u; unload that, or detach "
				 "it with 'bpftool link detach id %u'",
				 site->target, info.name, prog_id, link, link);
	return iov_error(ctx, IOV_E_BUSY,
			 "interface '%s' already runs XDP program '%s' (id %u) of another tool; detach it with 'ip "
			 "link set dev %s xdp off'",
			 site->target, info.name, prog_id, site->target);
}

/* Native, else generic. A driver refuses natively for many reasons (no support, MTU, queues), with as many errnos. */
static int make_link(struct iov_ctx *ctx, const struct iov_site *site, unsigned ifindex, int program, int *ret)
{
	static const uint32_t modes[] = {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
	int err = 0;
	for (size_t i = 0; i < IOV_COUNT(modes); i++) {
		LIBBPF_OPTS(bpf_link_create_opts, options, .flags = modes[i]);
		*ret = bpf_link_create(program, (int)ifindex, BPF_XDP, &options);
		if (*ret >= 0) {
			if (modes[i] == XDP_FLAGS_SKB_MODE)
				iov_note(ctx,
					 "interface '%s': its driver takes no native XDP program here (%s); the slower "
					 "generic mode is used",
					 site->target, strerror(err));
			return IOV_OK;
		}
		err = errno;
		if (err == EBUSY || err == EEXIST)
			break;
	}
	uint32_t other = program_on(ifindex);
	return other ? is_taken(ctx, site, ifindex, other) : iov_site_refused(ctx, site, "attached to", err);
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	unsigned ifindex = 0;
	int rc = iov_interface_index(ctx, site, &ifindex);
	return rc ? rc : make_link(ctx, site, ifindex, program, ret);
}

static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	(void)ctx, (void)program;
	*ret = (struct iov_entry_kind){.type = BPF_PROG_TYPE_XDP,
				       .attach_type = BPF_XDP,
				       .flags = !strcmp(site->section, "xdp.frags") ? BPF_F_XDP_HAS_FRAGS : 0,
				       .neutral = XDP_PASS};
	return IOV_OK;
}

static bool same_place(const struct iov_site *a, const struct iov_site *b)
{
	return !strcmp(a->target, b->target);
}

static enum iov_carry carry(const struct iov_site *site)
{
	(void)site;
	return IOV_CARRY_GIVE;
}

const struct iov_hook iov_hook_xdp = {
	.name = "xdp",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.style = &iov_style_link,
	.check = check,
	.link = attach,
	.kind = kind,
	.alive = iov_interface_alive,
	.carry = carry,
	.same_place = same_place,
};
