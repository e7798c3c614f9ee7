/*
 * Programs that are loaded for one function or event of the kernel, which BTF names: tp_btf, fentry and fexit,
 * fmod_ret, lsm. An entry program for the same stands in front, except of programs that may sleep.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "hooks/beside.h"
#include "hooks/entry.h"
#include "hooks/probe.h"
#include "hooks/probed.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/standing.h"
#include "util/cleanup.h"

static const struct kind_row {
	const char *section;
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	bool function; /* that a trampoline calls the program for */
} kinds[] = {
	{"tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, false},
	{"fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, true},
	{"fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, true},
	{"fmod_ret", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, true},
	{"lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, false},
};

static const struct kind_row *row_of(const struct iov_site *site)
{
	size_t len = strcspn(site->section, "/");
	for (size_t i = 0; i < IOV_COUNT(kinds); i++)
		if (strlen(kinds[i].section) == len && !strncmp(kinds[i].section, site->section, len))
			return &kinds[i];
	return NULL;
}

/* Whether BTF has the name shows when the program is loaded, which is before anything is attached. */
static int check(struct iov_ctx *ctx, const struct iov_site *site)
{
	if (iov_probed_text(site))
		return IOV_OK;
	return iov_error(
		ctx, IOV_E_INPUT,
		"program '%s' of instance '%s' names nothing of the kernel to attach to; write SEC(\"%s/NAME\"), "
		"or give NAME as its target in the manifest",
		site->program, site->instance, site->section);
}

/* A program whose link was unpinned keeps its place until a worker of the kernel has freed the link. */
#define FREED_WITHIN 100 /* tries */
#define PAUSE_NS 10000000

static int attach(struct iov_ctx *ctx, const struct iov_site *site, int program, int *ret)
{
	*ret = bpf_raw_tracepoint_open(NULL, program);
	for (int i = 0; *ret < 0 && errno == EBUSY && i < FREED_WITHIN; i++) {
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
		*ret = bpf_raw_tracepoint_open(NULL, program);
	}
	return *ret < 0 ? iov_site_refused(ctx, site, "attached to", errno) : IOV_OK;
}

/* bpf_get_func_ip() and the arguments are where the entry found them; cookies belong to the link. */
static int kind(struct iov_ctx *ctx, const struct iov_site *site, int program, struct iov_entry_kind *ret)
{
	const struct kind_row *row = row_of(site);
	struct bpf_prog_info info;
	int rc = iov_site_program_info(ctx, program, &info);
	if (rc)
		return rc;
	*ret = (struct iov_entry_kind){.type = row->type,
				       .attach_type = row->attach_type,
				       .btf_id = info.attach_btf_id,
				       .nests = row->attach_type != BPF_TRACE_RAW_TP,
				       .needs_ip = row->function};
	return IOV_OK;
}

static bool has_fentry(struct iov_ctx *ctx)
{
	(void)ctx;
	return iov_probe_btf_program(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY);
}

static bool has_lsm(struct iov_ctx *ctx)
{
	(void)ctx;
	return iov_probe_btf_program(BPF_PROG_TYPE_LSM, BPF_LSM_MAC);
}

static const char *const tp_btf_sections[] = {"tp_btf", "tp_btf/", NULL};
static const char *const fentry_sections[] = {"fentry", "fentry/", "fexit", "fexit/", "fmod_ret", "fmod_ret/", NULL};
static const char *const lsm_sections[] = {"lsm", "lsm/", NULL};
static const char *const sleepable_fentry[] = {"fentry.s",   "fentry.s/",   "fexit.s", "fexit.s/",
					       "fmod_ret.s", "fmod_ret.s/", NULL};
static const char *const sleepable_lsm[] = {"lsm.s", "lsm.s/", NULL};

/* What a program may touch is checked when it is loaded, for the function or event that its slot's entry has too. */
const struct iov_hook iov_hook_tp_btf = {
	.name = "tp_btf",
	.sections = tp_btf_sections,
	.program_type = -1,
	.attach_type = -1,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.kind = kind,
	.slots_checked = true,
	.loaded_for_target = true,
};

const struct iov_hook iov_hook_fentry = {
	.name = "fentry",
	.sections = fentry_sections,
	.program_type = -1,
	.attach_type = -1,
	.supported = has_fentry,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.kind = kind,
	.slots_checked = true,
	.loaded_for_target = true,
};

const struct iov_hook iov_hook_lsm = {
	.name = "lsm",
	.sections = lsm_sections,
	.program_type = -1,
	.attach_type = -1,
	.supported = has_lsm,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.kind = kind,
	.slots_checked = true,
	.loaded_for_target = true,
};

const struct iov_hook iov_hook_fentry_s = {
	.name = "fentry.s",
	.sections = sleepable_fentry,
	.program_type = -1,
	.attach_type = -1,
	.supported = has_fentry,
	.style = &iov_style_beside,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.loaded_for_target = true,
};

const struct iov_hook iov_hook_lsm_s = {
	.name = "lsm.s",
	.sections = sleepable_lsm,
	.program_type = -1,
	.attach_type = -1,
	.supported = has_lsm,
	.style = &iov_style_beside,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.loaded_for_target = true,
};
