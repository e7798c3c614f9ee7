#include "transaction/fault.h"

#ifdef IOV_FAULT_POINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

int iov_fault(struct iov_ctx *ctx, const char *point)
{
	static const char fail[] = "fail:";
	const char *wish = getenv("IOVPKG_FAULT");
	if (!wish)
		return IOV_OK;
	if (!strcmp(wish, "times"))
		return tell(point);
	bool fails = !strncmp(wish, fail, strlen(fail));
	if (++passed != strtoul(fails ? wish + strlen(fail) : wish, NULL, 10))
		return IOV_OK;
	if (!fails)
		raise(SIGKILL);
	return iov_error(ctx, IOV_E_IO, "failed at fault point '%s', as IOVPKG_FAULT asks; unset it", point);
}

#endif
