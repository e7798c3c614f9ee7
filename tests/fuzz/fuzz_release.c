/* Any bytes as an index line: refused with a text, or read; what was read is signed alike however it was written, and
 * can be shown. */
#include <stdlib.h>
#include <string.h>

#include "core/release.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written_again(struct iov_ctx *ctx, const struct iov_release *release)
{
	struct iov_release *again = NULL;
	iov_auto(iov_free_ptr) char *line = iov_json_canonical(release->json);
	if (!line || iov_release_parse(ctx, "again", line, strlen(line), &again))
		abort();
	iov_auto(iov_free_ptr) char *before = iov_release_signed_text(release);
	iov_auto(iov_free_ptr) char *after = iov_release_signed_text(again);
	if (!before || !after || strcmp(before, after))
		abort();
	iov_release_free(again);
}

static void check_files(const struct iov_release *release)
{
	const char *object = iov_release_object_path(release);
	if (object && !iov_release_file(release, object))
		abort();
	for (size_t i = 0; i < release->n_files; i++)
		if (iov_release_file(release, release->files[i].path) != &release->files[i])
			abort();
}

static void check_maps(const struct iov_object *object)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		const struct iov_object_map *map = &object->maps[i];
		iov_auto(iov_free_ptr) char *text =
			iov_layout_compare_text("a", map->layout, "b", object->maps[0].layout);
		if (!text || !iov_object_map_serves(map, map, false))
			abort();
		iov_object_map_serves(map, &object->maps[0], true);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	struct iov_release *release = NULL;
	if (iov_ctx_new(NULL, &ctx))
		abort();
	if (iov_release_parse(ctx, "index line", (const char *)data, size, &release) == IOV_OK) {
		check_written_again(ctx, release);
		check_files(release);
		check_maps(release->object);
	} else if (!*iov_error_text(ctx) || release) {
		abort();
	}
	iov_release_free(release);
	iov_ctx_free(ctx);
	return 0;
}
