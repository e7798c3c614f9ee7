/* Raw tracepoints: the program gets the arguments of the tracepoint as they are. An entry program stands in front
 * (hooks/entry.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "hooks/entry.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/standing.h"
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

/* The entry claims to read what the program reads, so that the kernel's own check at attach covers the program. */
static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	*ret = (struct iov_entry_kind){.type = BPF_PROG_TYPE_RAW_TRACEPOINT};
	return reach_of(ctx, site, program, &ret->reach);
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	const char *name = "";
	int rc = name_of(ctx, site, &name);
	if (rc)
		return rc;
	*ret = bpf_raw_tracepoint_open(name, program);
	if (*ret < 0 && errno == EINVAL)
		return iov_error(ctx, IOV_E_REJECTED,
				 "program '%s' of instance '%s' reads more arguments than raw tracepoint '%s' has on "
				 "this kernel; install a release for this kernel",
				 site->program, site->instance, name);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

/* A few raw tracepoints have no event in tracefs; only the kernel's answer to an attach tells. */
static bool exists_without_event(const char *name)
{
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	iov_auto(iov_close_fd) int program =
		bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL, "Dual MIT/GPL", nothing, IOV_COUNT(nothing), NULL);
	iov_auto(iov_close_fd) int link = program < 0 ? -1 : bpf_raw_tracepoint_open(name, program);
	return link >= 0;
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
	return rc == IOV_E_NOT_FOUND && exists_without_event(name) ? IOV_OK : rc;
}

const struct iov_hook iov_hook_raw_tp = {
	.name = "raw_tp",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.kind = kind,
};
