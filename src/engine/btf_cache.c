#include "engine/btf_cache.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/btf_cut.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/libbpf.h"

#define KERNEL_NOTES "/sys/kernel/notes" /* with the build id */
#define KERNEL_BTFS "/sys/kernel/btf"
#define NOTES_MAX 65536	      /* bytes */
#define ENTRY_MAX (16u << 20) /* bytes; three times the whole BTF of today's kernels */
#define MAGIC "iovbtf1 "
#define HEADER_SIZE (sizeof(MAGIC) - 1 + 2 + IOV_HEX_SIZE) /* magic, "0 " or "1 ", digest, newline */

bool iov_btf_cache_kernel(char ret[IOV_HEX_SIZE])
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct utsname name;
	if (uname(&name) || iov_fs_read(KERNEL_NOTES, NOTES_MAX, &text))
		return false;
	iov_buf_printf(&text, "%s|%s|%s", name.release, name.version, name.machine);
	if (iov_buf_failed(&text))
		return false;
	iov_sha256_hex(text.data, text.len, ret);
	return true;
}

static char *entry_path(struct iov_ctx *ctx, const char *object)
{
	char kernel[IOV_HEX_SIZE], digest[IOV_HEX_SIZE];
	if (!iov_btf_cache_kernel(kernel) || iov_sha256_file(ctx, object, digest))
		return NULL;
	return iov_path(ctx, IOV_CACHE "/btf/%.16s/%s", kernel, digest);
}

/* Modules with BTF of their own are where libbpf looks for what vmlinux lacks. */
static bool modules_have_btf(void)
{
	char **names = NULL;
	size_t count = 0;
	if (iov_fs_names(KERNEL_BTFS, &names, &count))
		return true;
	iov_fs_names_free(names, count);
	return count > 1;
}

static int memory_file(const void *data, size_t len)
{
	int fd = memfd_create("iov_btf", MFD_CLOEXEC);
	if (fd < 0 || !iov_fs_write_fd(fd, data, len))
		return fd;
	close(fd);
	return -1;
}

/* -1: none that can be used. */
static int read_entry(const char *path)
{
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	char digest[IOV_HEX_SIZE];
	if (iov_fs_read(path, ENTRY_MAX, &entry) || entry.len < HEADER_SIZE ||
	    memcmp(entry.data, MAGIC, sizeof(MAGIC) - 1) != 0)
		return -1;
	const char *missing = entry.data + sizeof(MAGIC) - 1, *said = missing + 2, *btf = entry.data + HEADER_SIZE;
	size_t len = entry.len - HEADER_SIZE;
	iov_sha256_hex(btf, len, digest);
	if (memcmp(said, digest, IOV_HEX_SIZE - 1) != 0 || (*missing != '0' && modules_have_btf()))
		return -1;
	return memory_file(btf, len);
}

static void write_entry(const char *path, const void *btf, uint32_t len, bool has_missing)
{
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	char digest[IOV_HEX_SIZE];
	iov_sha256_hex(btf, len, digest);
	iov_buf_printf(&entry, MAGIC "%d %s\n", has_missing, digest);
	iov_buf_add(&entry, btf, len);
	if (!iov_buf_failed(&entry) && !iov_fs_mkdirs_for(path, 0755))
		iov_fs_replace(path, entry.data, entry.len, 0644);
}

static int make_entry(const char *path, struct iov_btf_cutter *cutter)
{
	const struct btf *btf = NULL;
	bool missing = false;
	uint32_t len = 0;
	const void *data = iov_btf_cut(cutter, &btf, &missing) ? NULL : btf__raw_data(btf, &len);
	if (!data)
		return -1;
	write_entry(path, data, len, missing);
	return missing && modules_have_btf() ? -1 : memory_file(data, len);
}

static void free_cutter(struct iov_btf_cutter **cutter)
{
	iov_btf_cutter_free(*cutter);
}

/* The relocations are looked at first: most objects that need no BTF then cost no digest either. */
static int find_or_make(struct iov_ctx *ctx, const char *object)
{
	iov_auto(free_cutter) struct iov_btf_cutter *cutter = NULL;
	if (iov_btf_cutter_new(ctx, object, &cutter) || !cutter)
		return -1;
	iov_auto(iov_free_ptr) char *path = entry_path(ctx, object);
	int fd = path ? read_entry(path) : -1;
	return path && fd < 0 ? make_entry(path, cutter) : fd;
}

int iov_btf_cache_open(struct iov_ctx *ctx, const char *object)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	iov_libbpf_quiet();
	int fd = find_or_make(ctx, object);
	iov_error_restore(ctx, saved);
	return fd;
}
