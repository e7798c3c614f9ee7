/* Probes at functions of programs and libraries, where they begin (uprobe) and where they return (uretprobe), in every
 * process that maps the file. An entry program stands in front, except of programs that may sleep. */
#include <errno.h>
#include <string.h>

#include "hooks/beside.h"
#include "hooks/entry.h"
#include "hooks/perf.h"
#include "hooks/probed.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/standing.h"
#include "hooks/symbols.h"
#include "util/cleanup.h"

#define FORM "'BINARY:FUNCTION' such as '/usr/bin/bash:readline'"

static bool supported(struct iov_ctx *ctx)
{
	uint32_t type = 0;
	(void)ctx;
	return iov_perf_type("uprobe", &type);
}

/* What stands after the last colon: a function, or the offset in the file of an instruction. */
static int find_offset(struct iov_ctx *ctx, const struct iov_site *site, const char *path, const char *place,
		       uint64_t *ret)
{
	iov_auto(iov_free_ptr) char *function = NULL;
	uint64_t beyond = 0, at = 0;
	int rc = iov_probed_split(ctx, site, place, &function, &beyond);
	if (!rc && *function)
		rc = iov_symbols_offset(ctx, path, function, &at);
	if (!rc)
		*ret = at + beyond;
	return rc;
}

static int open_event(struct iov_ctx *ctx, const struct iov_site *site, int *ret)
{
	const char *text = iov_probed_text(site);
	const char *colon = text ? strrchr(text, ':') : NULL;
	uint32_t type = 0;
	uint64_t offset = 0;
	if (!colon || colon == text || !colon[1])
		return iov_error(ctx, IOV_E_INPUT,
				 "program '%s' of instance '%s' names no function to probe; write SEC(\"uprobe/BINARY:"
				 "FUNCTION\"), or give it a target " FORM " in the manifest",
				 site->program, site->instance);
	iov_auto(iov_free_ptr) char *name = strndup(text, (size_t)(colon - text));
	iov_auto(iov_free_ptr) char *path = NULL;
	int rc = name ? iov_symbols_binary(ctx, name, &path) : iov_oom(ctx);
	if (!rc)
		rc = find_offset(ctx, site, path, colon + 1, &offset);
	if (rc)
		return rc;
	if (!iov_perf_type("uprobe", &type))
		return iov_site_refused(ctx, site, "attached to", ENODEV);
	*ret = iov_perf_open(type, iov_probed_at_return(site), (uintptr_t)path, offset);
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	iov_auto(iov_close_fd) int event = -1;
	return open_event(ctx, site, &event);
}

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	iov_auto(iov_close_fd) int event = -1;
	int rc = open_event(ctx, site, &event);
	return rc ? rc : iov_perf_attach(ctx, site, event, program, ret);
}

static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	(void)ctx, (void)site, (void)program;
	*ret = (struct iov_entry_kind){.type = BPF_PROG_TYPE_KPROBE, .nests = true};
	return IOV_OK;
}

static const char *const sections[] = {"uprobe", "uprobe/", "uretprobe", "uretprobe/", NULL};

/* All that the kernel looks at is the type of the program, and whether it may sleep. */
const struct iov_hook iov_hook_uprobe = {
	.name = "uprobe",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.supported = supported,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.kind = kind,
	.slots_checked = true,
};

static const char *const sleepable[] = {"uprobe.s", "uprobe.s/", "uretprobe.s", "uretprobe.s/", NULL};

const struct iov_hook iov_hook_uprobe_s = {
	.name = "uprobe.s",
	.sections = sleepable,
	.program_type = -1,
	.attach_type = -1,
	.supported = supported,
	.style = &iov_style_beside,
	.check = check,
	.link = attach,
};
