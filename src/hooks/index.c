#include "hooks/index.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define PIN IOV_PINS "/index"

static int open_pin(struct iov_ctx *ctx, int *ret)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, PIN);
	if (!path)
		return iov_oom(ctx);
	*ret = bpf_obj_get(path);
	if (*ret < 0 && errno != ENOENT)
		return iov_error_errno(ctx, errno, "cannot open the generation index '%s'", path);
	return IOV_OK;
}

int iov_index_open(struct iov_ctx *ctx, int *ret)
{
	int rc = open_pin(ctx, ret);
	if (!rc && *ret < 0)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "the generation index is not pinned in '%s" IOV_PINS "'; run 'iovpkg restore'",
				 ctx->root);
	return rc;
}

static int make(struct iov_ctx *ctx, int *ret)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, PIN);
	if (!path)
		return iov_oom(ctx);
	*ret = bpf_map_create(BPF_MAP_TYPE_ARRAY, "iov_index", sizeof(uint32_t), sizeof(uint64_t), 1, NULL);
	if (*ret < 0)
		return iov_error_errno(ctx, errno, "cannot make the generation index");
	return bpf_obj_pin(*ret, path) ? iov_error_errno(ctx, errno, "cannot pin the generation index '%s'", path)
				       : IOV_OK;
}

int iov_index_store(struct iov_ctx *ctx, uint64_t generation)
{
	iov_auto(iov_close_fd) int fd = -1;
	uint32_t key = 0;
	int rc = open_pin(ctx, &fd);
	if (!rc && fd < 0)
		rc = make(ctx, &fd);
	if (rc)
		return rc;
	return bpf_map_update_elem(fd, &key, &generation, BPF_ANY)
		       ? iov_error_errno(ctx, errno, "cannot store the generation index")
		       : IOV_OK;
}

int iov_index_read(struct iov_ctx *ctx, uint64_t *ret)
{
	iov_auto(iov_close_fd) int fd = -1;
	uint32_t key = 0;
	uint64_t generation = 0;
	int rc = open_pin(ctx, &fd);
	if (!rc && fd >= 0 && bpf_map_lookup_elem(fd, &key, &generation))
		rc = iov_error_errno(ctx, errno, "cannot read the generation index");
	if (!rc)
		*ret = generation;
	return rc;
}

int iov_index_remove(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, PIN);
	if (!path)
		return iov_oom(ctx);
	return unlink(path) && errno != ENOENT
		       ? iov_error_errno(ctx, errno, "cannot remove the generation index '%s'", path)
		       : IOV_OK;
}
