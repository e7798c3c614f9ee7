#include "engine/btf_cache.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/kernel.h"
#include "engine/btf_cut.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/libbpf.h"

#define KERNEL_BTFS "/sys/kernel/btf"
#define ENTRY_MAX (16u << 20) /* bytes; three times the whole BTF of today's kernels */
#define MAGIC "iovbtf2 "
#define HEADER_SIZE (sizeof(MAGIC) - 1 + IOV_HEX_SIZE) /* magic, digest, newline */
#define MISSING "missing"

/* ---- which kernel, which object ---- */

static char *entry_path(struct iov_ctx *ctx, const char *object)
{
	char kernel[IOV_HEX_SIZE], digest[IOV_HEX_SIZE];
	if (!iov_kernel_build(kernel) || iov_sha256_file(ctx, object, digest))
		return NULL;
	return iov_path(ctx, IOV_CACHE "/btf/%.*s/%s", IOV_KERNEL_BUILD_DIGITS, kernel, digest);
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

static int open_part(const void *btf, size_t len, bool missing)
{
	return len && !(missing && modules_have_btf()) ? memory_file(btf, len) : -1;
}

/* ---- reading ---- */

static bool is_whole(const struct iov_buf *entry)
{
	char digest[IOV_HEX_SIZE];
	size_t magic = sizeof(MAGIC) - 1;
	if (entry->len < HEADER_SIZE || memcmp(entry->data, MAGIC, magic) != 0)
		return false;
	iov_sha256_hex(entry->data + HEADER_SIZE, entry->len - HEADER_SIZE, digest);
	return !memcmp(entry->data + magic, digest, IOV_HEX_SIZE - 1);
}

/* The next "NAME NUMBER" line from *at on; false at the empty line. The entry is whole, so it is as we wrote it. */
static bool next_line(char **at, const char **ret_name, uint32_t *ret_number)
{
	char *line = *at, *space = strchr(line, ' ');
	if (*line == '\n' || !space)
		return false;
	*space = '\0';
	*ret_name = line;
	*ret_number = (uint32_t)strtoul(space + 1, at, 10);
	++*at;
	return true;
}

/* How many targets have this name, and now its id. */
static size_t take_id(struct iov_btf_targets *targets, const char *name, uint32_t id)
{
	size_t count = 0;
	for (size_t i = 0; i < targets->count; i++) {
		if (strcmp(targets->items[i].name, name) != 0)
			continue;
		targets->items[i].id = id;
		count++;
	}
	return count;
}

/* False: there is no entry that can be used. */
static bool read_entry(const char *path, struct iov_btf_targets *targets, int *ret)
{
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	size_t known = 0;
	uint32_t number, missing = 1;
	const char *name;
	if (iov_fs_read(path, ENTRY_MAX, &entry) || !is_whole(&entry))
		return false;
	char *at = entry.data + HEADER_SIZE;
	while (next_line(&at, &name, &number)) {
		if (!strcmp(name, MISSING))
			missing = number;
		else
			known += take_id(targets, name, number);
	}
	if (known < targets->count)
		return false;
	at++; /* the empty line */
	*ret = open_part(at, (size_t)(entry.data + entry.len - at), missing);
	return true;
}

/* ---- making ---- */

static void write_entry(const char *path, const void *btf, uint32_t len, bool missing,
			const struct iov_btf_targets *targets)
{
	iov_auto(iov_buf_release) struct iov_buf body = {0};
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	char digest[IOV_HEX_SIZE];
	iov_buf_printf(&body, MISSING " %d\n", missing);
	for (size_t i = 0; i < targets->count; i++)
		iov_buf_printf(&body, "%s %u\n", targets->items[i].name, targets->items[i].id);
	iov_buf_puts(&body, "\n");
	iov_buf_add(&body, btf, len);
	if (iov_buf_failed(&body))
		return;
	iov_sha256_hex(body.data, body.len, digest);
	iov_buf_printf(&entry, MAGIC "%s\n", digest);
	iov_buf_add(&entry, body.data, body.len);
	if (!iov_buf_failed(&entry) && !iov_fs_mkdirs_for(path, 0755))
		iov_fs_replace(path, entry.data, entry.len, 0644);
}

static void find_ids(const struct btf *kernel, struct iov_btf_targets *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		struct iov_btf_target *one = &targets->items[i];
		int id = btf__find_by_name_kind(kernel, one->name, iov_btf_target_kind(one->name));
		one->id = id > 0 ? (uint32_t)id : 0;
	}
}

static void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

static int make_entry(struct iov_ctx *ctx, const char *path, const char *object, struct iov_btf_targets *targets)
{
	iov_auto(iov_btf_needs_release) struct iov_btf_needs needs = {0};
	iov_auto(free_btf) struct btf *kernel = NULL;
	iov_auto(free_btf) struct btf *part = NULL;
	bool missing = false, cuts;
	uint32_t len = 0;
	if (iov_btf_needs_read(ctx, object, &needs) || !needs.object)
		return -1;
	cuts = needs.n_roots && !needs.whole;
	if (cuts || targets->count) {
		kernel = btf__load_vmlinux_btf();
		if (!kernel || (cuts && iov_btf_cut(ctx, &needs, kernel, &part, &missing)))
			return -1;
		find_ids(kernel, targets);
	}
	const void *data = part ? btf__raw_data(part, &len) : NULL;
	write_entry(path, data, len, missing, targets);
	return open_part(data, len, missing);
}

int iov_btf_cache_open(struct iov_ctx *ctx, const char *object, struct iov_btf_targets *targets)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	iov_libbpf_quiet();
	int fd = -1;
	iov_auto(iov_free_ptr) char *path = entry_path(ctx, object);
	if (path && !read_entry(path, targets, &fd))
		fd = make_entry(ctx, path, object, targets);
	iov_error_restore(ctx, saved);
	return fd;
}
