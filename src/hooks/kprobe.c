/* Probes at functions of the kernel, where they begin (kprobe) and where they return (kretprobe); ksyscall names a
 * system call. An entry program stands in front. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hooks/entry.h"
#include "hooks/perf.h"
#include "hooks/probed.h"
#include "hooks/rows.h"
#include "hooks/site.h"
#include "hooks/standing.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/nearest.h"

#define SYMBOLS "/proc/kallsyms"

#if defined(__x86_64__)
#define SYSCALL_PREFIX "__x64_sys_"
#elif defined(__aarch64__)
#define SYSCALL_PREFIX "__arm64_sys_"
#elif defined(__s390x__)
#define SYSCALL_PREFIX "__s390x_sys_"
#elif defined(__riscv)
#define SYSCALL_PREFIX "__riscv_sys_"
#else
#define SYSCALL_PREFIX "sys_"
#endif

static bool supported(struct iov_ctx *ctx)
{
	uint32_t type = 0;
	(void)ctx;
	return iov_perf_type("kprobe", &type);
}

static bool is_syscall(const struct iov_site *site)
{
	return strstr(site->section, "syscall") != NULL;
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Names in the kernel's list that are functions; a line is "address type name [module]". */
static int not_found(struct iov_ctx *ctx, const char *function)
{
	iov_auto(close_file) FILE *file = fopen(SYMBOLS, "re");
	char line[512], type, name[256], near[256] = "";
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, function, strlen(function));
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %c %255s", &type, name) != 2 || (type | 0x20) != 't')
			continue;
		unsigned before = nearest.name ? nearest.distance : ~0u;
		iov_nearest_offer(&nearest, name);
		if (nearest.name && nearest.distance < before)
			nearest.name = memcpy(near, name, sizeof(near));
	}
	if (*near)
		return iov_error(ctx, IOV_E_NOT_FOUND, "this kernel has no function '%s' to probe; did you mean '%s'?",
				 function, near);
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "this kernel has no function '%s' to probe; it may be inlined, or named otherwise; " SYMBOLS
			 " lists what there is",
			 function);
}

static int function_of(struct iov_ctx *ctx, const struct iov_site *site, struct iov_buf *ret, uint64_t *ret_offset)
{
	const char *text = iov_probed_text(site);
	iov_auto(iov_free_ptr) char *function = NULL;
	if (!text)
		return iov_error(ctx, IOV_E_INPUT,
				 "program '%s' of instance '%s' names no function to probe; write SEC(\"kprobe/"
				 "FUNCTION\"), or name one as its target in the manifest",
				 site->program, site->instance);
	int rc = iov_probed_split(ctx, site, text, &function, ret_offset);
	if (rc)
		return rc;
	iov_buf_printf(ret, "%s%s", is_syscall(site) ? SYSCALL_PREFIX : "", function);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

static int open_event(struct iov_ctx *ctx, const struct iov_site *site, int *ret)
{
	iov_auto(iov_buf_release) struct iov_buf function = {0};
	uint64_t offset = 0;
	uint32_t type = 0;
	int rc = function_of(ctx, site, &function, &offset);
	if (rc || !function.data)
		return rc;
	if (!iov_perf_type("kprobe", &type))
		return iov_site_refused(ctx, site, "attached to", ENODEV);
	*ret = iov_perf_open(type, iov_probed_at_return(site), (uintptr_t)function.data, offset);
	if (*ret < 0 && errno == ENOENT)
		return not_found(ctx, function.data);
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
	*ret = (struct iov_entry_kind){.type = BPF_PROG_TYPE_KPROBE};
	return IOV_OK;
}

/* A program that changes registers, or what the function returns, is for few places; the kernel knows which. */
static int trial(struct iov_ctx *ctx, const struct iov_site *site, int program)
{
	iov_auto(iov_close_fd) int event = -1;
	struct iov_entry_kind of = {0};
	int err = 0, rc = open_event(ctx, site, &event);
	if (!rc)
		rc = kind(ctx, site, program, &of);
	if (!rc)
		rc = iov_perf_try(ctx, site, event, &of, program, &err);
	return err ? iov_site_refused(ctx, site, "attached to", err) : rc;
}

static const char *const sections[] = {"kprobe",    "kprobe/",	   "kretprobe",	   "kretprobe/", "ksyscall",
				       "ksyscall/", "kretsyscall", "kretsyscall/", NULL};

const struct iov_hook iov_hook_kprobe = {
	.name = "kprobe",
	.sections = sections,
	.program_type = -1,
	.attach_type = -1,
	.supported = supported,
	.style = &iov_style_standing,
	.check = check,
	.link = attach,
	.of_kernel = true,
	.kind = kind,
	.trial = trial,
};
