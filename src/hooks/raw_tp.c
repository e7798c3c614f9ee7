/* Raw tracepoints: the program gets the arguments of the tracepoint as they are. An entry program stands in front
 * (hooks/entry.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "hooks/entry.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/tracefs.h"
#include "util/cleanup.h"

#define ARGUMENTS_MAX 12 /* MAX_BPF_FUNC_ARGS of the kernel; each is 8 bytes of context */

static const char *const sections[] = {"raw_tp", "raw_tp/", "raw_tracepoint", "raw_tracepoint/", NULL};

static int name_of(struct iov_ctx *ctx, const struct iov_site *site, const char **ret)
{
	const char *name = iov_tracepoint_of(site);
	if (!name)
		return iov_error(ctx, IOV_E_INPUT,
				 "program '%s' of instance '%s' names no tracepoint; write SEC(\"raw_tp/name\"), or "
				 "name one as its target in the manifest",
				 site->program, site->instance);
	*ret = name;
	return IOV_OK;
}

/*
 * How many bytes of context does the program read? The kernel knows, does not tell, and checks it at attach only, where
 * it would see our entry instead. But a test run compares it with the size of the context that it is given, before it
 * fetches that from a place where there is nothing: EINVAL says that the size is too small, EFAULT that it would do.
 * Nothing runs. (Size 0 cannot be asked, so a single byte passes for none.)
 */
static int reach_of(struct iov_ctx *ctx, const struct iov_site *site, int program, unsigned *ret)
{
	for (unsigned arguments = 0; arguments <= ARGUMENTS_MAX; arguments++) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = (const void *)-4096L,
			    .ctx_size_in = arguments ? 8 * arguments : 1);
		int err = bpf_prog_test_run_opts(program, &options) ? errno : 0;
		if (err == EFAULT) {
			*ret = 8 * arguments;
			return IOV_OK;
		}
		if (err != EINVAL)
			return iov_site_refused(ctx, site, "attached to", err ? err : EIO);
	}
	return iov_site_refused(ctx, site, "attached to", EINVAL);
}

/* An attached entry with an empty slot. It claims to read what the program reads, so that the kernel's own check covers
 * the program. */
static int attach_entry(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry *ret)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	struct iov_entry_kind kind = {.type = BPF_PROG_TYPE_RAW_TRACEPOINT};
	const char *name = "";
	int rc = name_of(ctx, site, &name);
	if (!rc)
		rc = reach_of(ctx, site, program, &kind.reach);
	if (!rc)
		rc = iov_entry_load(ctx, site, &kind, &entry);
	if (rc)
		return rc;
	entry.link = bpf_raw_tracepoint_open(name, entry.program);
	if (entry.link < 0 && errno == EINVAL)
		return iov_error(ctx, IOV_E_REJECTED,
				 "program '%s' of instance '%s' reads %u arguments of raw tracepoint '%s', which has "
				 "fewer on this kernel",
				 site->program, site->instance, kind.reach / 8, name);
	if (entry.link < 0)
		return iov_site_refused(ctx, site, "attached to", errno);
	*ret = entry;
	entry = IOV_ENTRY_NONE;
	return IOV_OK;
}

/* A few raw tracepoints have no event in tracefs; only the kernel's answer to an attach tells. */
static bool exists_without_event(struct iov_ctx *ctx, const struct iov_site *site, const char *name)
{
	iov_auto(iov_entry_close) struct iov_entry entry = IOV_ENTRY_NONE;
	struct iov_entry_kind kind = {.type = BPF_PROG_TYPE_RAW_TRACEPOINT};
	struct iov_saved_error saved = iov_error_save(ctx);
	if (!iov_entry_load(ctx, site, &kind, &entry))
		entry.link = bpf_raw_tracepoint_open(name, entry.program);
	iov_error_restore(ctx, saved);
	return entry.link >= 0;
}

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	iov_auto(iov_close_fd) int events = -1;
	iov_auto(iov_free_ptr) char *path = NULL;
	const char *name = "";
	int rc = name_of(ctx, site, &name);
	if (rc)
		return rc;
	if (strchr(name, '/'))
		return iov_error(ctx, IOV_E_INPUT, "'%s' is no raw tracepoint; it is named without category, '%s'",
				 name, strchr(name, '/') + 1);
	rc = iov_tracefs_events(ctx, &events);
	if (!rc)
		rc = iov_tracefs_find(ctx, events, name, &path);
	return rc == IOV_E_NOT_FOUND && exists_without_event(ctx, site, name) ? IOV_OK : rc;
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, const char *dir)
{
	return iov_entry_attach(ctx, site, dir, attach_entry);
}

static int swap(struct iov_ctx *ctx, const struct iov_site *site, const char *dir)
{
	return iov_entry_swap(ctx, site, dir, attach_entry);
}

const struct iov_hook iov_hook_raw_tp = {
	.name = "raw_tp",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.check = check,
	.attach = attach,
	.adopt = iov_entry_adopt,
	.swap = swap,
	.detach = iov_entry_detach,
	.running = iov_entry_running,
};
