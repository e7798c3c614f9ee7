/* Hooks of a network namespace: which socket a packet is for (sk_lookup), and how its headers are taken apart
 * (flow_dissector, one program a namespace). */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "hooks/entry.h"
#include "hooks/link.h"
#include "hooks/probe.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define OWN "/proc/self/ns/net"
#define NAMED "/run/netns"
#define DISSECT_CONTINUE 129 /* BPF_FLOW_DISSECTOR_CONTINUE: let the kernel do it; from Linux 6.1 on */

/* "blue" as `ip netns` knows it, a path such as /proc/4711/ns/net, or nothing: where iovpkg runs. */
static int open_netns(struct iov_ctx *ctx, const struct iov_site *site, int *ret)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	struct statfs fs;
	if (*site->target)
		iov_buf_printf(&path, "%s%s", *site->target == '/' ? "" : NAMED "/", site->target);
	if (iov_buf_failed(&path))
		return iov_oom(ctx);
	iov_auto(iov_close_fd) int fd = open(path.len ? path.data : OWN, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "network namespace '%s' not found; 'ip netns' lists the named ones", site->target);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open network namespace '%s'", site->target);
	if (fstatfs(fd, &fs) || fs.f_type != NSFS_MAGIC)
		return iov_error(ctx, IOV_E_INPUT,
				 "'%s' is no network namespace; give a name that 'ip netns' lists, or a path such as "
				 "/proc/PID/ns/net",
				 site->target);
	*ret = iov_take_fd(&fd);
	return IOV_OK;
}

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	iov_auto(iov_close_fd) int netns = -1;
	return open_netns(ctx, site, &netns);
}

static bool is_lookup(const struct iov_site *site)
{
	return !strcmp(site->section, "sk_lookup");
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	iov_auto(iov_close_fd) int netns = -1;
	int rc = open_netns(ctx, site, &netns);
	if (rc)
		return rc;
	*ret = bpf_link_create(program, netns, is_lookup(site) ? BPF_SK_LOOKUP : BPF_FLOW_DISSECTOR, NULL);
	if (*ret < 0 && (errno == E2BIG || errno == EEXIST) && !is_lookup(site))
		return iov_error(ctx, IOV_E_BUSY,
				 "network namespace '%s' has a flow dissector already, and takes only one; 'bpftool "
				 "net show' tells which",
				 *site->target ? site->target : OWN);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	(void)ctx, (void)program;
	*ret = is_lookup(site) ? (struct iov_entry_kind){.type = BPF_PROG_TYPE_SK_LOOKUP,
							 .attach_type = BPF_SK_LOOKUP,
							 .neutral = SK_PASS,
							 .nests = true}
			       : (struct iov_entry_kind){.type = BPF_PROG_TYPE_FLOW_DISSECTOR,
							 .attach_type = BPF_FLOW_DISSECTOR,
							 .neutral = DISSECT_CONTINUE,
							 .nests = true};
	return IOV_OK;
}

static bool alive(const struct bpf_link_info *info)
{
	return info->netns.netns_ino != 0;
}

static bool same_place(const struct iov_site *a, const struct iov_site *b)
{
	return !strcmp(a->target, b->target);
}

static bool has_lookup(struct iov_ctx *ctx)
{
	(void)ctx;
	return iov_probe_program(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP);
}

static const char *const lookup_sections[] = {"sk_lookup", NULL};
static const char *const dissector_sections[] = {"flow_dissector", NULL};

const struct iov_hook iov_hook_sk_lookup = {
	.name = "sk_lookup",
	.sections = lookup_sections,
	.program_type = -1,
	.attach_type = -1,
	.supported = has_lookup,
	.style = &iov_style_link,
	.check = check,
	.link = attach,
	.kind = kind,
	.alive = alive,
};

const struct iov_hook iov_hook_flow_dissector = {
	.name = "flow_dissector",
	.sections = dissector_sections,
	.program_type = -1,
	.attach_type = -1,
	.style = &iov_style_link,
	.check = check,
	.link = attach,
	.kind = kind,
	.alive = alive,
	.same_place = same_place,
};
