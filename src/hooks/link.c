#include "hooks/link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "hooks/entry.h"
#include "hooks/index.h"
#include "hooks/site.h"
#include "util/cleanup.h"

/* *ret is -1 where the site is not attached: no pin, or one whose interface or cgroup has gone. */
static int open_link(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		     struct bpf_link_info *ret_info, int *ret)
{
	uint32_t len = sizeof(*ret_info);
	memset(ret_info, 0, sizeof(*ret_info));
	int rc = iov_site_open(ctx, site, dir, "links", ret);
	if (rc || *ret < 0)
		return rc;
	if (bpf_link_get_info_by_fd(*ret, ret_info, &len))
		return iov_site_refused(ctx, site, "asked for at", errno);
	if (hook->alive && !hook->alive(ret_info)) {
		iov_close_fd(ret);
		*ret = -1;
	}
	return IOV_OK;
}

static int make_link(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		     int program)
{
	iov_auto(iov_close_fd) int link = -1;
	int rc = iov_site_unpin(ctx, site, dir, "links"); /* of a link that is dead */
	if (!rc)
		rc = hook->link(ctx, site, program, &link);
	return rc ? rc : iov_site_pin(ctx, site, dir, "links", link);
}

/* The link of the tree runs `program`, whether it was attached before or not. */
static int run(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
	       int program)
{
	iov_auto(iov_close_fd) int link = -1;
	struct bpf_link_info info;
	int rc = open_link(ctx, hook, site, dir, &info, &link);
	if (rc)
		return rc;
	if (link < 0)
		return make_link(ctx, hook, site, dir, program);
	return bpf_link_update(link, program, NULL) ? iov_site_refused(ctx, site, "swapped in at", errno) : IOV_OK;
}

static int attach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_site_program(ctx, site, dir, &program);
	return rc ? rc : make_link(ctx, hook, site, dir, program);
}

static int adopt(struct iov_ctx *ctx, const struct iov_site *from, const char *from_dir, const struct iov_site *to,
		 const char *to_dir)
{
	return iov_site_share(ctx, from, from_dir, to, to_dir, "links");
}

/* Kept in both trees, so that whichever is left finds the entry, and the array never loses its last pin before the
 * link has left the entry. */
static int pin_entry(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_arm *arm,
		     const struct iov_entry *entry)
{
	int rc = arm->old_dir ? iov_entry_pin(ctx, arm->old ? arm->old : site, arm->old_dir, entry) : IOV_OK;
	return rc || !arm->new_dir ? rc : iov_entry_pin(ctx, site, arm->new_dir, entry);
}

static int arm(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const struct iov_arm *arm)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	iov_auto(iov_close_fd) int old = -1;
	iov_auto(iov_close_fd) int new = -1;
	struct iov_entry_kind kind = {0};
	uint32_t slot = iov_index_slot(arm->generation);
	const struct iov_site *old_site = arm->old ? arm->old : site;
	int rc = arm->old_dir ? iov_site_program(ctx, old_site, arm->old_dir, &old) : IOV_OK;
	if (!rc && arm->new_dir)
		rc = iov_site_program(ctx, site, arm->new_dir, &new);
	if (!rc)
		rc = hook->kind(ctx, site, new < 0 ? old : new, &kind);
	if (arm->carry && hook->carry)
		kind.carry = hook->carry(site);
	if (!rc)
		rc = iov_entry_load(ctx, site, &kind, &entry);
	if (!rc && old >= 0)
		rc = iov_entry_fill(ctx, site, &entry, !slot, old);
	if (!rc && new >= 0)
		rc = iov_entry_fill(ctx, site, &entry, slot, new);
	if (!rc)
		rc = pin_entry(ctx, site, arm, &entry);
	if (rc)
		return rc;
	return arm->old_dir ? run(ctx, hook, old_site, arm->old_dir, entry.program)
			    : run(ctx, hook, site, arm->new_dir, entry.program);
}

static int swap(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_site_program(ctx, site, dir, &program);
	if (!rc)
		rc = run(ctx, hook, site, dir, program);
	return rc ? rc : iov_entry_unpin(ctx, site, dir);
}

static int detach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_close_fd) int link = -1;
	(void)hook;
	int rc = iov_site_open(ctx, site, dir, "links", &link);
	/* The kernel drops an unpinned link some time later; who attaches here next must not find the place taken. */
	if (!rc && link >= 0 && bpf_link_detach(link) && errno != EOPNOTSUPP && errno != ENOLINK)
		return iov_site_refused(ctx, site, "detached from", errno);
	if (!rc)
		rc = iov_site_unpin(ctx, site, dir, "links");
	return rc ? rc : iov_entry_unpin(ctx, site, dir);
}

/* What runs behind the entry that an upgrade has put in front. */
static int look_behind(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, struct iov_running *ret)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	uint64_t generation = 0;
	int rc = iov_entry_open(ctx, site, dir, &entry);
	if (rc || entry.slots < 0)
		return rc;
	ret->armed = true;
	if (!iov_entry_is(ret->prog_id))
		return IOV_OK;
	rc = iov_index_read(ctx, &generation);
	if (!rc)
		rc = iov_entry_slot(ctx, site, &entry, iov_index_slot(generation), &ret->prog_id);
	ret->runs = 0;
	return rc ? rc : iov_entry_count(ctx, &entry, ret);
}

static int running(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		   struct iov_running *ret)
{
	iov_auto(iov_close_fd) int link = -1;
	struct bpf_link_info info;
	struct iov_running running = {0};
	int rc = open_link(ctx, hook, site, dir, &info, &link);
	if (!rc && link >= 0) {
		running.link_id = info.id;
		rc = iov_site_count_runs(ctx, info.prog_id, &running);
	}
	if (!rc)
		rc = look_behind(ctx, site, dir, &running);
	if (!rc)
		*ret = running;
	return rc;
}

const struct iov_style iov_style_link = {
	.move = IOV_MOVE_STORE,
	.attach = attach,
	.adopt = adopt,
	.arm = arm,
	.swap = swap,
	.detach = detach,
	.running = running,
};
