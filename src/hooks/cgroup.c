/* Hooks of the processes in a cgroup: their packets, sockets, addresses, options, devices. A program is called for the
 * cgroups below its own too, after theirs. */
#include "hooks/cgroup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "hooks/entry.h"
#include "hooks/link.h"
#include "hooks/probe.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "util/cleanup.h"

#define ALLOW 1	    /* what every hook of this family takes for "go on" */
#define MAPS_MAX 64 /* maps of one program, as the verifier has it */

/* Numbers of kernels newer than the oldest headers that this builds with. */
enum { UNIX_CONNECT = 49, UNIX_SENDMSG, UNIX_RECVMSG, UNIX_GETPEERNAME, UNIX_GETSOCKNAME };

static const struct kind_row {
	const char *section;
	enum bpf_prog_type type;
	int attach_type;
} kinds[] = {
	{"cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS},
	{"cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS},
	{"cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE},
	{"cgroup/sock", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE},
	{"cgroup/sock_release", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE},
	{"cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND},
	{"cgroup/post_bind6", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND},
	{"cgroup/bind4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND},
	{"cgroup/bind6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND},
	{"cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT},
	{"cgroup/connect6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT},
	{"cgroup/connect_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_CONNECT},
	{"cgroup/sendmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG},
	{"cgroup/sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG},
	{"cgroup/sendmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_SENDMSG},
	{"cgroup/recvmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG},
	{"cgroup/recvmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG},
	{"cgroup/recvmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_RECVMSG},
	{"cgroup/getpeername4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME},
	{"cgroup/getpeername6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME},
	{"cgroup/getpeername_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_GETPEERNAME},
	{"cgroup/getsockname4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME},
	{"cgroup/getsockname6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME},
	{"cgroup/getsockname_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, UNIX_GETSOCKNAME},
	{"cgroup/getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT},
	{"cgroup/setsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT},
	{"cgroup/sysctl", BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL},
	{"cgroup/dev", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE},
	{"sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS},
	{"lsm_cgroup", BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP},
};

/* "lsm_cgroup/socket_bind" is the row "lsm_cgroup". */
static int find_row(struct iov_ctx *ctx, const struct iov_site *site, const struct kind_row **ret)
{
	for (size_t i = 0; i < IOV_COUNT(kinds); i++) {
		size_t len = strlen(kinds[i].section);
		if (!strcmp(site->section, kinds[i].section) ||
		    (kinds[i].type == BPF_PROG_TYPE_LSM && !strncmp(site->section, kinds[i].section, len))) {
			*ret = &kinds[i];
			return IOV_OK;
		}
	}
	return iov_error(ctx, IOV_E_UNSUPPORTED,
			 "no cgroup hook has section '%s'; docs/hooks.md lists them, 'cgroup_skb/ingress' and "
			 "'cgroup_skb/egress' take packets",
			 site->section);
}

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	iov_auto(iov_close_fd) int cgroup = -1;
	const struct kind_row *row = NULL;
	int rc = find_row(ctx, site, &row);
	return rc ? rc : iov_cgroup_open(ctx, site, &cgroup);
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	iov_auto(iov_close_fd) int cgroup = -1;
	const struct kind_row *row = NULL;
	int rc = find_row(ctx, site, &row);
	if (!rc)
		rc = iov_cgroup_open(ctx, site, &cgroup);
	if (rc)
		return rc;
	*ret = bpf_link_create(program, cgroup, (enum bpf_attach_type)row->attach_type, NULL);
	if (*ret < 0 && errno == EPERM)
		return iov_error(ctx, IOV_E_BUSY,
				 "cgroup '%s' or one above it runs a program of another tool that allows no other for "
				 "'%s'; 'bpftool cgroup tree' shows it",
				 site->target, site->section);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

static bool is_storage(uint32_t map_id)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int fd = bpf_map_get_fd_by_id(map_id);
	return fd >= 0 && !bpf_map_get_info_by_fd(fd, &info, &len) &&
	       (info.type == BPF_MAP_TYPE_CGROUP_STORAGE || info.type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
}

/* The kernel makes such storage for what is attached, which would be the entry, and the program found none. */
static int refuse_storage(struct iov_ctx *ctx, const struct iov_site *site, int program)
{
	uint32_t ids[MAPS_MAX];
	struct bpf_prog_info info = {.nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids};
	uint32_t len = sizeof(info);
	if (bpf_prog_get_info_by_fd(program, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about a program");
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		if (is_storage(ids[i]))
			return iov_error(ctx, IOV_E_UNSUPPORTED,
					 "program '%s' of instance '%s' uses the old cgroup storage maps, which end "
					 "with their attachment, and cannot move together with others; upgrade it "
					 "alone, or use BPF_MAP_TYPE_CGRP_STORAGE",
					 site->program, site->instance);
	return IOV_OK;
}

static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	const struct kind_row *row = NULL;
	struct bpf_prog_info info;
	int rc = find_row(ctx, site, &row);
	if (!rc)
		rc = refuse_storage(ctx, site, program);
	if (!rc)
		rc = iov_site_program_info(ctx, program, &info);
	if (rc)
		return rc;
	*ret = (struct iov_entry_kind){.type = row->type,
				       .attach_type = (enum bpf_attach_type)row->attach_type,
				       .btf_id = row->type == BPF_PROG_TYPE_LSM ? info.attach_btf_id : 0,
				       .neutral = ALLOW,
				       .nests = true};
	return IOV_OK;
}

static const char *const sections[] = {
	"cgroup_skb/ingress", "cgroup_skb/egress", "cgroup/", "sockops", NULL,
};

const struct iov_hook iov_hook_cgroup = {
	.name = "cgroup",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.style = &iov_style_link,
	.check = check,
	.link = attach,
	.kind = kind,
	.alive = iov_cgroup_alive,
};

static bool has_lsm(struct iov_ctx *ctx)
{
	(void)ctx;
	return iov_probe_btf_program(BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP);
}

static const char *const lsm_sections[] = {"lsm_cgroup/", NULL};

const struct iov_hook iov_hook_lsm_cgroup = {
	.name = "lsm_cgroup",
	.sections = lsm_sections,
	.program_type = -1,
	.attach_type = -1,
	.supported = has_lsm,
	.style = &iov_style_link,
	.check = check,
	.link = attach,
	.kind = kind,
	.alive = iov_cgroup_alive,
};
