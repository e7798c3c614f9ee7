#include "engine/kernel.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

int iov_kernel_copy(struct iov_ctx *ctx, const struct iov_migration *migration, struct iov_migrated *ret)
{
	(void)ctx, (void)migration, (void)ret;
	return IOV_OK;
}

int iov_kernel_merge(struct iov_ctx *ctx, const struct iov_migration *migration, bool back, struct iov_migrated *ret)
{
	(void)ctx, (void)migration, (void)back, (void)ret;
	return IOV_OK;
}

/* The global barrier of membarrier(2) is synchronize_rcu(), which waits for programs too. */
int iov_kernel_grace(struct iov_ctx *ctx)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return iov_error_errno(ctx, errno, "cannot wait for the programs that are running (membarrier)");
	return IOV_OK;
}
