#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/kernel.h"
#include "engine/pins.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

void iov_pinned_release(struct iov_pinned *pinned)
{
	free(pinned->maps);
	*pinned = (struct iov_pinned){0};
}

/* The kernel says what a descriptor stands for in the name of its inode. */
static enum iov_pinned_kind kind_of(int fd)
{
	static const struct {
		const char *word;
		enum iov_pinned_kind kind;
	} words[] = {{"bpf-prog", IOV_PINNED_PROGRAM},
		     {"bpf-map", IOV_PINNED_MAP},
		     {"bpf_link", IOV_PINNED_LINK},
		     {"bpf-link", IOV_PINNED_LINK}};
	char path[48], target[64] = "";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return IOV_PINNED_OTHER;
	for (size_t i = 0; i < IOV_COUNT(words); i++)
		if (strstr(target, words[i].word))
			return words[i].kind;
	return IOV_PINNED_OTHER;
}

/* A map that went meanwhile keeps its id and loses its name. */
static void name_map(uint32_t id, struct iov_used_map *ret)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int fd = bpf_map_get_fd_by_id(id);
	ret->id = id;
	if (fd >= 0 && !bpf_map_get_info_by_fd(fd, &info, &len))
		snprintf(ret->name, sizeof(ret->name), "%s", info.name);
}

static int unknown(struct iov_ctx *ctx, const char *pin)
{
	return iov_error_errno(ctx, errno, "cannot ask the kernel about what is pinned at '%s'", pin);
}

static int inspect_program(struct iov_ctx *ctx, int fd, const char *pin, struct iov_pinned *ret)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		return unknown(ctx, pin);
	ret->id = info.id;
	uint32_t count = info.nr_map_ids;
	iov_auto(iov_free_ptr) uint32_t *ids = calloc(count + 1, sizeof(*ids));
	ret->maps = calloc(count + 1, sizeof(*ret->maps));
	if (!ids || !ret->maps)
		return iov_oom(ctx);
	info = (struct bpf_prog_info){.nr_map_ids = count, .map_ids = (uintptr_t)ids};
	len = sizeof(info);
	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		return unknown(ctx, pin);
	for (uint32_t i = 0; i < count && i < info.nr_map_ids; i++)
		name_map(ids[i], &ret->maps[ret->n_maps++]);
	return IOV_OK;
}

static int inspect_map(struct iov_ctx *ctx, int fd, const char *pin, struct iov_pinned *ret)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_map_get_info_by_fd(fd, &info, &len))
		return unknown(ctx, pin);
	ret->id = info.id;
	return IOV_OK;
}

static int inspect_link(struct iov_ctx *ctx, int fd, const char *pin, struct iov_pinned *ret)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	if (bpf_link_get_info_by_fd(fd, &info, &len))
		return unknown(ctx, pin);
	ret->id = info.id;
	return IOV_OK;
}

int iov_kernel_inspect(struct iov_ctx *ctx, const char *pin, struct iov_pinned *ret)
{
	static int (*const by_kind[])(struct iov_ctx * ctx, int fd, const char *pin, struct iov_pinned *ret) = {
		[IOV_PINNED_PROGRAM] = inspect_program,
		[IOV_PINNED_MAP] = inspect_map,
		[IOV_PINNED_LINK] = inspect_link,
		[IOV_PINNED_OTHER] = NULL,
	};
	iov_auto(iov_pinned_release) struct iov_pinned pinned = {.kind = IOV_PINNED_OTHER};
	iov_auto(iov_close_fd) int fd = bpf_obj_get(pin);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		pinned.kind = IOV_PINNED_NOTHING;
	else if (fd < 0 && (errno == EACCES || errno == EPERM))
		return unknown(ctx, pin);
	else if (fd >= 0)
		pinned.kind = kind_of(fd);
	int rc = fd >= 0 && by_kind[pinned.kind] ? by_kind[pinned.kind](ctx, fd, pin, &pinned) : IOV_OK;
	if (rc)
		return rc;
	*ret = pinned;
	pinned = (struct iov_pinned){0};
	return IOV_OK;
}

/* Under another name first: whoever looks finds the old pin or the new one. */
int iov_kernel_pin_id(struct iov_ctx *ctx, enum iov_pinned_kind kind, uint32_t id, const char *pin)
{
	iov_auto(iov_buf_release) struct iov_buf aside = {0};
	iov_auto(iov_close_fd) int fd = kind == IOV_PINNED_MAP ? bpf_map_get_fd_by_id(id) : bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open what has id %u in the kernel, to pin it at '%s'", id,
				       pin);
	iov_buf_printf(&aside, "%s_new", pin);
	if (iov_buf_failed(&aside))
		return iov_oom(ctx);
	unlink(aside.data);
	int rc = iov_fs_mkdirs_for(pin, 0700);
	if (!rc && (bpf_obj_pin(fd, aside.data) || rename(aside.data, pin)))
		rc = -errno;
	return rc ? iov_error_errno(ctx, rc, "cannot pin what has id %u at '%s'", id, pin) : IOV_OK;
}
