#include "engine/kernel.h"

int iov_kernel_save_map(struct iov_ctx *ctx, const char *pin, const struct iov_object_map *map, const char *path)
{
	(void)map, (void)path;
	return iov_error(ctx, IOV_E_UNSUPPORTED, "map '%s' cannot be saved by this iovpkg", pin);
}

int iov_kernel_fill_map(struct iov_ctx *ctx, const char *pin, const struct iov_object_map *map, const char *path)
{
	(void)map, (void)path;
	return iov_error(ctx, IOV_E_UNSUPPORTED, "map '%s' cannot be filled by this iovpkg", pin);
}
