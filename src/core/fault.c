#include "core/fault.h"

#ifdef IOV_FAULT_POINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"

/* The one global and the one look at the environment in the library, and in test builds only: a process has one crash
 * to spend. */
static unsigned long passed;

static int tell(const char *point)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	dprintf(STDERR_FILENO, "%lld.%09ld %s\n", (long long)now.tv_sec, now.tv_nsec, point);
	return IOV_OK;
}

static int kill_here(struct iov_ctx *ctx, const char *point)
{
	(void)ctx, (void)point;
	return raise(SIGKILL);
}

static int fail_here(struct iov_ctx *ctx, const char *point)
{
	return iov_error(ctx, IOV_E_IO, "failed at fault point '%s', as IOVPKG_FAULT asks; unset it", point);
}

/* Until somebody continues it. */
static int stop_here(struct iov_ctx *ctx, const char *point)
{
	(void)ctx, (void)point;
	return raise(SIGSTOP);
}

static const struct {
	const char *prefix;
	int (*act)(struct iov_ctx *ctx, const char *point);
} wishes[] = {{"fail:", fail_here}, {"stop:", stop_here}, {"", kill_here}};

/* Points are wished for by number, or by name: the first of that name. */
static bool is_meant(const char *wish, const char *point)
{
	static bool met;
	char *end;
	unsigned long nth = strtoul(wish, &end, 10);
	bool meant = *end ? !met && !strcmp(wish, point) : nth == passed;
	met = met || meant;
	return meant;
}

int iov_fault(struct iov_ctx *ctx, const char *point)
{
	const char *wish = getenv("IOVPKG_FAULT");
	if (!wish)
		return IOV_OK;
	if (!strcmp(wish, "times"))
		return tell(point);
	passed++;
	for (size_t i = 0; i < IOV_COUNT(wishes); i++) {
		size_t len = strlen(wishes[i].prefix);
		if (!strncmp(wish, wishes[i].prefix, len))
			return is_meant(wish + len, point) ? wishes[i].act(ctx, point) : IOV_OK;
	}
	return IOV_OK;
}

#endif
