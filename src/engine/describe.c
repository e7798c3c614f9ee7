#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/digest.h"
#include "engine/kernel.h"
#include "engine/pins.h"
#include "hooks/site.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define COUNT_BATCH 1024 /* entries asked for at once */
#define COUNT_MAX 131072 /* more are not counted: 10 ms is all that a glance at the status may cost */
#define FDINFO_MAX 16384 /* bytes */

static int open_pin(struct iov_ctx *ctx, const char *pin, int *ret)
{
	int rc = iov_pins_open(ctx, pin, ret);
	if (!rc && *ret < 0)
		return iov_error(ctx, IOV_E_NOT_FOUND, "nothing is pinned at '%s'", pin);
	return rc;
}

static json_t *number_or_null(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

/* What the kernel charges for it; -1 where it does not say. */
static int64_t memory_of(int fd)
{
	char path[48];
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (iov_fs_read(path, FDINFO_MAX, &text) || !text.data)
		return -1;
	const char *at = strstr(text.data, "\nmemlock:");
	return at ? strtoll(at + strlen("\nmemlock:"), NULL, 10) : -1;
}

static bool is_array(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_table(uint32_t type)
{
	static const uint32_t tables[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_HASH,
					  BPF_MAP_TYPE_LRU_PERCPU_HASH, BPF_MAP_TYPE_LPM_TRIE};
	for (size_t i = 0; i < IOV_COUNT(tables); i++)
		if (tables[i] == type)
			return true;
	return false;
}

/* Bytes of one value as user space gets it: per-CPU maps give one for each CPU, rounded up to 8. */
static size_t value_bytes(const struct bpf_map_info *info)
{
	int cpus = libbpf_num_possible_cpus();
	bool per_cpu = info->type == BPF_MAP_TYPE_PERCPU_HASH || info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
	return per_cpu && cpus > 0 ? (size_t)cpus * ((info->value_size + 7u) & ~7u) : info->value_size;
}

/* Entries, counted a batch at a time; -1 when they are too many or the map cannot be read that way. */
static int64_t count_entries(int fd, const struct bpf_map_info *info)
{
	size_t token_size = info->key_size > sizeof(uint32_t) ? info->key_size : sizeof(uint32_t);
	iov_auto(iov_free_ptr) void *keys = calloc(COUNT_BATCH, info->key_size);
	iov_auto(iov_free_ptr) void *values = calloc(COUNT_BATCH, value_bytes(info));
	iov_auto(iov_free_ptr) void *token = calloc(1, token_size);
	int64_t total = 0;
	if (!keys || !values || !token)
		return -1;
	for (bool first = true; total <= COUNT_MAX; first = false) {
		uint32_t count = COUNT_BATCH;
		int err = bpf_map_lookup_batch(fd, first ? NULL : token, token, keys, values, &count, NULL) ? errno : 0;
		if (err && err != ENOENT)
			return -1;
		total += count;
		if (err)
			return total; /* ENOENT: the end, and `count` are its last ones */
	}
	return -1;
}

static int64_t entries_of(int fd, const struct bpf_map_info *info)
{
	if (is_array(info->type))
		return info->max_entries;
	return is_table(info->type) ? count_entries(fd, info) : -1;
}

static const char *word(const char *name)
{
	return name ? name : "unknown";
}

int iov_kernel_describe_map(struct iov_ctx *ctx, const char *pin, json_t **ret)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	iov_auto(iov_close_fd) int fd = -1;
	int rc = open_pin(ctx, pin, &fd);
	if (rc)
		return rc;
	if (bpf_map_get_info_by_fd(fd, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about the map pinned at '%s'", pin);
	*ret = json_pack("{s:I, s:s, s:o, s:I, s:I, s:I, s:o}", "id", (json_int_t)info.id, "type",
			 word(libbpf_bpf_map_type_str(info.type)), "entries", number_or_null(entries_of(fd, &info)),
			 "max_entries", (json_int_t)info.max_entries, "key_size", (json_int_t)info.key_size,
			 "value_size", (json_int_t)info.value_size, "bytes", number_or_null(memory_of(fd)));
	return *ret ? IOV_OK : iov_oom(ctx);
}

/* The kernel counts from boot; people read dates. */
static void date_of(uint64_t since_boot_ns, char *ret, size_t size)
{
	struct timespec now, boot;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	time_t when = now.tv_sec - boot.tv_sec + (time_t)(since_boot_ns / 1000000000);
	strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &tm));
}

int iov_kernel_describe_program(struct iov_ctx *ctx, const char *pin, json_t **ret)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	char tag[2 * BPF_TAG_SIZE + 1], loaded[32];
	iov_auto(iov_close_fd) int fd = -1;
	int rc = open_pin(ctx, pin, &fd);
	if (rc)
		return rc;
	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		return iov_error_errno(ctx, errno, "cannot ask the kernel about the program pinned at '%s'", pin);
	bool counted = info.run_cnt || iov_site_kernel_counts();
	iov_hex(info.tag, BPF_TAG_SIZE, tag);
	date_of(info.load_time, loaded, sizeof(loaded));
	*ret = json_pack("{s:I, s:s, s:s, s:o, s:o, s:s, s:I, s:o}", "id", (json_int_t)info.id, "type",
			 word(libbpf_bpf_prog_type_str(info.type)), "tag", tag, "runs",
			 number_or_null(counted ? (int64_t)info.run_cnt : -1), "run_ns",
			 number_or_null(counted ? (int64_t)info.run_time_ns : -1), "loaded", loaded, "instructions",
			 (json_int_t)(info.xlated_prog_len / sizeof(struct bpf_insn)), "bytes",
			 number_or_null(memory_of(fd)));
	return *ret ? IOV_OK : iov_oom(ctx);
}
