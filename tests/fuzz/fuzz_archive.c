/* Unpacking, in process. Input that is not zstd is compressed first, so that the fuzzer can get at the tar inside. */
#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "worker/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct iov_unpack_limits limits = {.unpacked = 1 << 20, .files = 100};

/* What a caller may rely on, checked for every file that comes through. */
struct seen {
	char path[IOV_PATH_MAX + 1];
	uint64_t missing;
	uint64_t total;
	size_t files;
};

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static int check_piece(struct iov_ctx *ctx, const char *path, uint64_t size, const void *data, size_t len, void *cookie)
{
	struct seen *seen = cookie;
	(void)ctx;
	if (data) {
		demand(!strcmp(seen->path, path) && len <= seen->missing);
		seen->missing -= len;
		return IOV_OK;
	}
	demand(seen->missing == 0 && strlen(path) <= IOV_PATH_MAX && strcmp(seen->path, path) < 0);
	demand(*path != '/' && strncmp(path, "../", 3) && !strstr(path, "/../"));
	strcpy(seen->path, path);
	seen->missing = size;
	seen->total += size;
	seen->files++;
	demand(seen->total <= limits.unpacked && seen->files <= limits.files);
	return IOV_OK;
}

static void unpack(struct iov_ctx *ctx, const void *data, size_t size)
{
	struct seen seen = {0};
	struct iov_archive_source source = {.fd = -1, .data = data, .len = size};
	int rc = iov_archive_read(ctx, &source, &limits, check_piece, &seen);
	demand(rc == IOV_OK || (iov_error_code(ctx) == (enum iov_code)rc && *iov_error_text(ctx)));
	demand(rc != IOV_OK || seen.missing == 0);
}

/* One zstd stream around the bytes; its length, 0 when it could not be made. */
static size_t compress(const uint8_t *data, size_t size, void *to, size_t room)
{
	size_t used = 0;
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	demand(archive && entry);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_pathname(entry, "data");
	bool made = !archive_write_set_format_raw(archive) && !archive_write_add_filter_zstd(archive) &&
		    !archive_write_set_bytes_in_last_block(archive, 1) &&
		    !archive_write_open_memory(archive, to, room, &used) && !archive_write_header(archive, entry) &&
		    archive_write_data(archive, data, size) == (la_ssize_t)size && !archive_write_close(archive);
	archive_entry_free(entry);
	archive_write_free(archive);
	return made ? used : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
	struct iov_ctx *ctx = NULL;
	demand(iov_ctx_new(NULL, &ctx) == IOV_OK);
	unpack(ctx, data, size);
	if (size < sizeof(magic) || memcmp(data, magic, sizeof(magic))) {
		size_t room = size + size / 8 + 4096;
		iov_auto(iov_free_ptr) void *packed = malloc(room);
		demand(packed);
		unpack(ctx, packed, compress(data, size, packed, room));
	}
	iov_ctx_free(ctx);
	return 0;
}
