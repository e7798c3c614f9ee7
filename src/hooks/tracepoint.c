/* Tracepoints, as perf events: the program gets the event's record. An entry program stands in front (hooks/entry.h).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>

#include "hooks/entry.h"
#include "hooks/perf.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/standing.h"
#include "hooks/tracefs.h"
#include "util/cleanup.h"

static const char *const sections[] = {"tp", "tp/", "tracepoint", "tracepoint/", NULL};

/* 1: let perf have the event too; 0 would hide it from a `perf record` of the same tracepoint. */
static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	(void)ctx, (void)site, (void)program;
	*ret = (struct iov_entry_kind){.type = BPF_PROG_TYPE_TRACEPOINT, .neutral = 1};
	return IOV_OK;
}

static int find_id(struct iov_ctx *ctx, const struct iov_site *site, uint64_t *ret)
{
	iov_auto(iov_close_fd) int events = -1;
	iov_auto(iov_free_ptr) char *path = NULL;
	const char *name = iov_tracepoint_of(site);
	if (!name)
		return iov_error(ctx, IOV_E_INPUT,
				 "program '%s' of instance '%s' names no tracepoint; write SEC(\"tp/category/name\"), "
				 "or name one as its target in the manifest",
				 site->program, site->instance);
	int rc = iov_tracefs_events(ctx, &events);
	if (!rc)
		rc = iov_tracefs_find(ctx, events, name, &path);
	return rc ? rc : iov_tracefs_id(ctx, events, path, ret);
}

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	uint64_t id = 0;
	return find_id(ctx, site, &id);
}

static int open_event(struct iov_ctx *ctx, const struct iov_site *site, int *ret)
{
	uint64_t id = 0;
	int rc = find_id(ctx, site, &id);
	if (rc)
		return rc;
	*ret = iov_perf_open(PERF_TYPE_TRACEPOINT, id, 0, 0);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	iov_auto(iov_close_fd) int event = -1;
	int rc = open_event(ctx, site, &event);
	return rc ? rc : iov_perf_attach(ctx, site, event, program, ret);
}

static int trial(struct iov_ctx *ctx, const struct iov_site *site, int program)
{
	iov_auto(iov_close_fd) int event = -1;
	struct iov_entry_kind of = {0};
	int err = 0, rc = open_event(ctx, site, &event);
	if (!rc)
		rc = kind(ctx, site, program, &of);
	if (!rc)
		rc = iov_perf_try(ctx, site, event, &of, program, &err);
	if (err == EACCES)
		return iov_error(ctx, IOV_E_REJECTED,
				 "program '%s' of instance '%s' reads past the record of tracepoint '%s'; compare its "
				 "context with 'events/%s/format' in tracefs",
				 site->program, site->instance, iov_tracepoint_of(site), iov_tracepoint_of(site));
	return err ? iov_site_refused(ctx, site, "attached to", err) : rc;
}

const struct iov_hook iov_hook_tracepoint = {
	.name = "tracepoint",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.kind = kind,
	.trial = trial,
};
