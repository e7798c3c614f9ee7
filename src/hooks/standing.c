#include "hooks/standing.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "hooks/entry.h"
#include "hooks/index.h"
#include "hooks/site.h"
#include "util/cleanup.h"

static int probe(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, int program)
{
	iov_auto(iov_close_fd) int stand_in = -1;
	iov_auto(iov_close_fd) int link = -1;
	struct iov_entry_kind kind = {0};
	if (hook->trial)
		return hook->trial(ctx, site, program);
	int rc = hook->kind(ctx, site, program, &kind);
	if (!rc)
		rc = iov_entry_stand_in(ctx, site, &kind, &stand_in);
	if (!rc)
		rc = hook->link(ctx, site, stand_in, &link);
	return rc;
}

/* The slot in use first: that is the moment of a change. */
static int fill_both(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry, int program)
{
	uint64_t generation = 0;
	int rc = iov_index_read(ctx, &generation);
	if (!rc)
		rc = iov_entry_fill(ctx, site, entry, iov_index_slot(generation), program);
	return rc ? rc : iov_entry_fill(ctx, site, entry, !iov_index_slot(generation), program);
}

/* The link's pin makes it last. */
static int pin(struct iov_ctx *ctx, const struct iov_site *site, const char *dir, const struct iov_entry *entry)
{
	int rc = iov_entry_pin(ctx, site, dir, entry);
	return rc ? rc : iov_site_pin(ctx, site, dir, "links", entry->link);
}

/* The program is in its slots from the beginning, so it must be known to be sound. */
static int stand(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, int program,
		 struct iov_entry *entry)
{
	struct iov_entry_kind kind = {0};
	int rc = hook->trial ? hook->trial(ctx, site, program) : IOV_OK;
	if (!rc)
		rc = hook->kind(ctx, site, program, &kind);
	if (!rc)
		rc = iov_entry_load_filled(ctx, site, &kind, program, entry);
	return rc ? rc : hook->link(ctx, site, entry->program, &entry->link);
}

static int attach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_site_program(ctx, site, dir, &program);
	if (!rc)
		rc = stand(ctx, hook, site, program, &entry);
	return rc ? rc : pin(ctx, site, dir, &entry);
}

static int adopt(struct iov_ctx *ctx, const struct iov_site *from, const char *from_dir, const struct iov_site *to,
		 const char *to_dir)
{
	static const char *const kinds[] = {"links", "slots", "runs"};
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < IOV_COUNT(kinds); i++)
		rc = iov_site_share(ctx, from, from_dir, to, to_dir, kinds[i]);
	return rc;
}

static int arm_new(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site,
		   const struct iov_arm *arm)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	iov_auto(iov_close_fd) int program = -1;
	struct iov_entry_kind kind = {0};
	int rc = iov_site_program(ctx, site, arm->new_dir, &program);
	if (!rc)
		rc = hook->kind(ctx, site, program, &kind);
	if (!rc)
		rc = iov_entry_load(ctx, site, &kind, &entry);
	if (!rc)
		rc = hook->link(ctx, site, entry.program, &entry.link);
	if (!rc && hook->trial)
		rc = hook->trial(ctx, site, program);
	if (!rc)
		rc = iov_entry_fill(ctx, site, &entry, iov_index_slot(arm->generation), program);
	return rc ? rc : pin(ctx, site, arm->new_dir, &entry);
}

static int check_new(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		     int *ret)
{
	int rc = iov_site_program(ctx, site, dir, ret);
	return rc || hook->slots_checked ? rc : probe(ctx, hook, site, *ret);
}

static bool is_attached(const struct iov_entry *entry)
{
	return entry->link >= 0 && entry->slots >= 0;
}

static int arm(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const struct iov_arm *arm)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	iov_auto(iov_close_fd) int program = -1;
	if (!arm->old_dir)
		return arm_new(ctx, hook, site, arm);
	int rc = iov_entry_open(ctx, arm->old ? arm->old : site, arm->old_dir, &entry);
	if (!rc && arm->new_dir)
		rc = check_new(ctx, hook, site, arm->new_dir, &program);
	if (rc || !is_attached(&entry))
		return rc;
	return iov_entry_fill(ctx, site, &entry, iov_index_slot(arm->generation), program);
}

/* A program that stands in a slot has been checked. */
static int check_unless_armed(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site,
			      const struct iov_entry *entry, int program)
{
	struct bpf_prog_info info;
	uint32_t ids[] = {0, 0};
	int rc = iov_site_program_info(ctx, program, &info);
	for (uint32_t slot = 0; !rc && slot < IOV_COUNT(ids); slot++)
		rc = iov_entry_slot(ctx, site, entry, slot, &ids[slot]);
	if (rc || hook->slots_checked || info.id == ids[0] || info.id == ids[1])
		return rc;
	return probe(ctx, hook, site, program);
}

static int swap(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	iov_auto(iov_close_fd) int program = -1;
	int rc = iov_entry_open(ctx, site, dir, &entry);
	if (!rc && !is_attached(&entry))
		return attach(ctx, hook, site, dir);
	if (!rc)
		rc = iov_site_program(ctx, site, dir, &program);
	if (!rc)
		rc = check_unless_armed(ctx, hook, site, &entry, program);
	return rc ? rc : fill_both(ctx, site, &entry, program);
}

static int detach(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir)
{
	(void)hook;
	int rc = iov_site_unpin(ctx, site, dir, "links");
	return rc ? rc : iov_entry_unpin(ctx, site, dir);
}

static int look(struct iov_ctx *ctx, const struct iov_site *site, const struct iov_entry *entry,
		struct iov_running *ret)
{
	uint64_t generation = 0;
	uint32_t other = 0;
	int rc = iov_index_read(ctx, &generation);
	if (!rc)
		rc = iov_entry_slot(ctx, site, entry, iov_index_slot(generation), &ret->prog_id);
	if (!rc)
		rc = iov_entry_slot(ctx, site, entry, !iov_index_slot(generation), &other);
	ret->armed = ret->prog_id != other;
	return rc ? rc : iov_entry_count(ctx, entry, ret);
}

static int running(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, const char *dir,
		   struct iov_running *ret)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	struct iov_running running = {0};
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	int rc = iov_entry_open(ctx, site, dir, &entry);
	if (!rc && is_attached(&entry)) {
		if (bpf_link_get_info_by_fd(entry.link, &info, &len))
			return iov_site_refused(ctx, site, "asked for at", errno);
		if (!hook->alive || hook->alive(&info)) {
			running.link_id = info.id;
			rc = look(ctx, site, &entry, &running);
		}
	}
	if (!rc)
		*ret = running;
	return rc;
}

const struct iov_style iov_style_standing = {
	.move = IOV_MOVE_STORE,
	.probe = probe,
	.attach = attach,
	.adopt = adopt,
	.arm = arm,
	.swap = swap,
	.detach = detach,
	.running = running,
};
