#include "hooks/perf.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hooks/entry.h"
#include "hooks/site.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

bool iov_perf_type(const char *name, uint32_t *ret)
{
	char path[96];
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", name);
	if (iov_fs_read(path, 16, &text))
		return false;
	*ret = (uint32_t)strtoul(text.data, NULL, 10);
	return true;
}

int iov_perf_open(uint32_t type, uint64_t config, uint64_t config1, uint64_t config2)
{
	struct perf_event_attr attr = {.type = type,
				       .size = sizeof(attr),
				       .config = config,
				       .config1 = config1,
				       .config2 = config2,
				       .sample_period = 1,
				       .wakeup_events = 1};
	return (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

int iov_perf_attach(struct iov_ctx *ctx, const struct iov_site *site, int event, int program, int *ret)
{
	*ret = bpf_link_create(program, event, BPF_PERF_EVENT, NULL);
	return *ret < 0 || ioctl(event, PERF_EVENT_IOC_ENABLE, 0) ? iov_site_refused(ctx, site, "attached to", errno)
								  : IOV_OK;
}

static int ask(int event, int program)
{
	iov_auto(iov_close_fd) int link = bpf_link_create(program, event, BPF_PERF_EVENT, NULL);
	if (link >= 0)
		return EINVAL; /* the event was free: a mistake of ours */
	return errno == EEXIST ? 0 : errno;
}

int iov_perf_try(struct iov_ctx *ctx, const struct iov_site *site, int event, const struct iov_entry_kind *kind,
		 int program, int *ret_errno)
{
	iov_auto(iov_close_fd) int stand_in = -1;
	iov_auto(iov_close_fd) int link = -1;
	int rc = iov_entry_stand_in(ctx, site, kind, &stand_in);
	if (!rc)
		rc = iov_perf_attach(ctx, site, event, stand_in, &link);
	if (!rc)
		*ret_errno = ask(event, program);
	return rc;
}
