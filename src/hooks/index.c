#include "hooks/index.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define PIN IOV_PINS "/index"
#define NAME "iov_index"
#define MAPS_MAX 16 /* an entry program uses three */

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

/* The index among the maps of a program, -1: it uses none. */
static int index_of_program(uint32_t prog_id)
{
	uint32_t ids[MAPS_MAX] = {0};
	struct bpf_prog_info info = {.nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int program = bpf_prog_get_fd_by_id(prog_id);
	if (program < 0 || bpf_prog_get_info_by_fd(program, &info, &len))
		return -1;
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++) {
		struct bpf_map_info map = {0};
		uint32_t map_len = sizeof(map);
		int fd = bpf_map_get_fd_by_id(ids[i]);
		if (fd >= 0 && !bpf_map_get_info_by_fd(fd, &map, &map_len) && !strcmp(map.name, NAME))
			return fd;
		iov_close_fd(&fd);
	}
	return -1;
}

static int index_of_link(const char *pin)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int link = bpf_obj_get(pin);
	return link >= 0 && !bpf_link_get_info_by_fd(link, &info, &len) ? index_of_program(info.prog_id) : -1;
}

static int index_of_instance(struct iov_ctx *ctx, const char *instance)
{
	iov_auto(iov_free_ptr) char *links = iov_path(ctx, IOV_PINS "/live/%s/links", instance);
	char **names = NULL;
	size_t count = 0;
	int fd = -1;
	if (!links || iov_fs_names(links, &names, &count))
		return -1;
	for (size_t i = 0; fd < 0 && i < count; i++) {
		iov_auto(iov_free_ptr) char *pin = iov_path(ctx, IOV_PINS "/live/%s/links/%s", instance, names[i]);
		fd = pin ? index_of_link(pin) : -1;
	}
	iov_fs_names_free(names, count);
	return fd;
}

/* Entries that stand know the index also when somebody removed its pin; another index would never move them. */
static int index_of_entries(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *live = iov_path(ctx, IOV_PINS "/live");
	char **names = NULL;
	size_t count = 0;
	int fd = -1;
	if (!live || iov_fs_names(live, &names, &count))
		return -1;
	for (size_t i = 0; fd < 0 && i < count; i++)
		fd = index_of_instance(ctx, names[i]);
	iov_fs_names_free(names, count);
	return fd;
}

static int make(struct iov_ctx *ctx, int *ret)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, PIN);
	if (!path)
		return iov_oom(ctx);
	*ret = index_of_entries(ctx);
	if (*ret < 0)
		*ret = bpf_map_create(BPF_MAP_TYPE_ARRAY, NAME, sizeof(uint32_t), sizeof(uint64_t), 1, NULL);
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
