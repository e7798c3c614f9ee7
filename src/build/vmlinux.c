#include "build/vmlinux.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/digest.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/libbpf.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define BTF_MAX (64u << 20) /* bytes; 6 MB today */

static void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

static void free_dump(struct btf_dump **dump)
{
	btf_dump__free(*dump);
}

static void print(void *text, const char *format, va_list args)
{
	iov_buf_vprintf(text, format, args);
}

static int dump_types(const struct btf *btf, struct btf_dump *dump)
{
	int rc = 0;
	for (uint32_t id = 1; !rc && id < btf__type_cnt(btf); id++)
		rc = btf_dump__dump_type(dump, id);
	return rc;
}

/* All types, each access to them to be relocated (CO-RE) unless the source asks for it not to be. */
static int write_header(struct iov_ctx *ctx, const struct btf *btf, struct iov_buf *text)
{
	iov_auto(free_dump) struct btf_dump *dump = btf_dump__new(btf, print, text, NULL);
	if (!dump)
		return iov_error_errno(ctx, errno, "cannot read the kernel's types in '%s'", KERNEL_BTF);
	iov_buf_puts(text, "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"
			   "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"
			   "#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n"
			   "#endif\n\n");
	int rc = dump_types(btf, dump);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot write the kernel's types in '%s' as C", KERNEL_BTF);
	iov_buf_puts(text, "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n#endif\n");
	return iov_buf_failed(text) ? iov_oom(ctx) : IOV_OK;
}

static int read_kernel(struct iov_ctx *ctx, struct iov_buf *ret)
{
	int rc = iov_fs_read(KERNEL_BTF, BTF_MAX, ret);
	if (rc == -ENOENT)
		return iov_error(
			ctx, IOV_E_UNSUPPORTED,
			"a source includes \"vmlinux.h\", which is made from '%s', and this kernel has none; boot a "
			"kernel with CONFIG_DEBUG_INFO_BTF=y, or put a vmlinux.h beside the source",
			KERNEL_BTF);
	return rc ? iov_error_errno(ctx, rc, "cannot read '%s'", KERNEL_BTF) : IOV_OK;
}

/* One kernel build and one libbpf make one header. NULL: the error is set. */
static char *cache_path(struct iov_ctx *ctx, const struct iov_buf *kernel)
{
	struct iov_digest *digest = NULL;
	char hex[IOV_HEX_SIZE];
	if (iov_digest_new(ctx, &digest))
		return NULL;
	iov_digest_add(digest, libbpf_version_string(), strlen(libbpf_version_string()) + 1);
	iov_digest_add(digest, kernel->data, kernel->len);
	iov_digest_end_hex(digest, hex);
	iov_digest_free(digest);
	char *path = iov_path(ctx, IOV_CACHE "/vmlinux/%s.h", hex);
	if (!path)
		iov_oom(ctx);
	return path;
}

static int keep(const char *path, const struct iov_buf *header)
{
	int rc = iov_fs_mkdirs_for(path, 0755);
	if (!rc)
		rc = iov_fs_replace(path, header->data, header->len, 0644);
	if (!rc && chmod(path, 0644)) /* whatever our umask is: the sandbox's user reads it */
		rc = -errno;
	return rc;
}

/* Leaves the header at `cached`, or where that cannot be, at a path in `scratch`. */
static int make(struct iov_ctx *ctx, const struct iov_buf *kernel, const char *scratch, char **cached)
{
	iov_auto(iov_buf_release) struct iov_buf header = {0};
	iov_auto(free_btf) struct btf *btf = btf__new(kernel->data, (uint32_t)kernel->len);
	if (!btf)
		return iov_error_errno(ctx, errno, "cannot read the kernel's types in '%s'", KERNEL_BTF);
	int rc = write_header(ctx, btf, &header);
	if (rc || !keep(*cached, &header))
		return rc;
	iov_free_ptr(cached);
	if (asprintf(cached, "%s/vmlinux.h", scratch) < 0) {
		*cached = NULL;
		return iov_oom(ctx);
	}
	rc = keep(*cached, &header);
	return rc ? iov_error_errno(ctx, rc, "cannot write '%s'", *cached) : IOV_OK;
}

int iov_vmlinux_header(struct iov_ctx *ctx, const char *scratch, char **ret)
{
	iov_libbpf_quiet();
	iov_auto(iov_buf_release) struct iov_buf kernel = {0};
	iov_auto(iov_free_ptr) char *path = NULL;
	int rc = read_kernel(ctx, &kernel);
	if (rc)
		return rc;
	path = cache_path(ctx, &kernel);
	if (!path)
		return ctx->code;
	if (!iov_fs_exists(path))
		rc = make(ctx, &kernel, scratch, &path);
	if (!rc)
		*ret = iov_take(path);
	return rc;
}

int iov_vmlinux_cached(struct iov_ctx *ctx, char **ret)
{
	iov_auto(iov_buf_release) struct iov_buf kernel = {0};
	int rc = read_kernel(ctx, &kernel);
	iov_auto(iov_free_ptr) char *path = rc ? NULL : cache_path(ctx, &kernel);
	if (rc || !path)
		return rc ? rc : (int)ctx->code;
	*ret = strdup(strrchr(path, '/') + 1);
	return *ret ? IOV_OK : iov_oom(ctx);
}
