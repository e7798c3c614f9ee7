#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/kernel.h"
#include "engine/pins.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define VMLINUX_BTF "/sys/kernel/btf/vmlinux"

/* CAP_SYS_ADMIN stood for the two newer ones before Linux 5.8, and still does. */
static const struct {
	const char *name;
	unsigned number;
	bool admin_will_do;
} needed[] = {
	{"CAP_BPF", CAP_BPF, true},
	{"CAP_PERFMON", CAP_PERFMON, true},
	{"CAP_NET_ADMIN", CAP_NET_ADMIN, false},
};

static bool has(const struct __user_cap_data_struct *data, unsigned number)
{
	return data[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number);
}

static int check_capabilities(struct iov_ctx *ctx)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	iov_auto(iov_buf_release) struct iov_buf missing = {0};
	if (syscall(SYS_capget, &header, data))
		return iov_error_errno(ctx, errno, "cannot read this process's capabilities");
	for (size_t i = 0; i < IOV_COUNT(needed); i++)
		if (!has(data, needed[i].number) && !(needed[i].admin_will_do && has(data, CAP_SYS_ADMIN)))
			iov_buf_printf(&missing, "%s%s", missing.len ? ", " : "", needed[i].name);
	if (!missing.len)
		return IOV_OK;
	return iov_error(ctx, IOV_E_PERMISSION,
			 "loading into the kernel needs privileges that this process lacks (%s); run it as root or "
			 "give CAP_BPF, CAP_NET_ADMIN and "
			 "CAP_PERFMON",
			 missing.data);
}

static int check_btf(struct iov_ctx *ctx)
{
	if (!access(VMLINUX_BTF, R_OK))
		return IOV_OK;
	if (errno != ENOENT)
		return iov_error_errno(ctx, errno, "cannot read the kernel's type information in '%s'", VMLINUX_BTF);
	return iov_error(ctx, IOV_E_UNSUPPORTED,
			 "this kernel has no type information (BTF) in '%s'; use a kernel built with "
			 "CONFIG_DEBUG_INFO_BTF=y, such as a distribution's",
			 VMLINUX_BTF);
}

int iov_kernel_prepare(struct iov_ctx *ctx)
{
	int rc = check_capabilities(ctx);
	if (!rc)
		rc = check_btf(ctx);
	return rc ? rc : iov_pins_prepare(ctx);
}
