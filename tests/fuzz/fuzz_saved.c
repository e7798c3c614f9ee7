/* Any bytes as a saved map, with the digest that they should have: refused with a text, or every entry can be read, and
 * added up by the layout that came with them. */
#include "core/persist.h"
#include "core/place.h"
#include "file.h"
#include "state/saved.h"
#include "util/buf.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *with_digest(const uint8_t *data, size_t size)
{
	iov_auto(iov_buf_release) struct iov_buf file = {0};
	uint8_t digest[IOV_DIGEST_SIZE];
	iov_sha256(data, size, digest);
	iov_buf_add(&file, data, size);
	iov_buf_add(&file, digest, sizeof(digest));
	if (iov_buf_failed(&file))
		abort();
	return fuzz_file((const uint8_t *)file.data, file.len);
}

static void read_entries(struct iov_ctx *ctx, struct iov_saved_reader *reader)
{
	const struct iov_object_map *map = reader->map;
	const json_t *layout = json_object_get(map->layout, "value");
	const unsigned char *entry = NULL;
	struct iov_layout_place place;
	iov_auto(iov_free_ptr) unsigned char *sum = calloc(1, map->value_size);
	if (!sum)
		abort();
	iov_persist_check(ctx, map);
	if (iov_saved_next(reader, &entry))
		abort();
	while (entry) {
		uint64_t number = 0;
		iov_layout_add(layout, sum, entry + map->key_size, map->value_size);
		if (!iov_place_find(ctx, layout, map->name, &place))
			iov_place_read(ctx, &place, sum, map->value_size, &number);
		if (iov_saved_next(reader, &entry))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	iov_auto(iov_saved_reader_release) struct iov_saved_reader reader = {.fd = -1};
	if (iov_ctx_new(NULL, &ctx))
		abort();
	if (iov_saved_open(ctx, with_digest(data, size), &reader) == IOV_OK)
		read_entries(ctx, &reader);
	else if (!*iov_error_text(ctx))
		abort();
	iov_ctx_free(ctx);
	return 0;
}
