#include "vectors.h"

#include <fts.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define VECTOR_FILE_MAX (4u << 20)

char *unit_vectors(const char *relative)
{
	const char *base = getenv("IOV_VECTORS");
	char *path = NULL;
	ck_assert_int_ge(asprintf(&path, "%s/%s", base ? base : unit_data("../../shared/vectors"), relative), 0);
	if (iov_fs_exists(path))
		return path;
	printf("# skipped: no vectors at '%s'\n", path);
	free(path);
	return NULL;
}

/* Numbers of our documents end at 2^63 - 1; the one above them that vectors have is 2^64 - 1, which is -1 to a reader
 * that takes it for unsigned. */
static int read_vector(struct iov_ctx *ctx, const char *path, json_t **ret)
{
	static const char large[] = "18446744073709551615", same[] = "-1                  ";
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	ck_assert_int_eq(iov_fs_read(path, VECTOR_FILE_MAX, &text), 0);
	for (char *at; (at = strstr(text.data, large));)
		memcpy(at, same, strlen(same));
	return iov_json_parse(ctx, path, text.data, text.len, VECTOR_FILE_MAX, ret);
}

size_t unit_each_vector(struct iov_ctx *ctx, const char *folder,
			void (*run)(struct iov_ctx *ctx, const char *path, const json_t *json))
{
	char *roots[] = {(char *)folder, NULL};
	size_t count = 0;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	ck_assert_ptr_nonnull(tree);
	for (FTSENT *entry; (entry = fts_read(tree));) {
		size_t len = strlen(entry->fts_name);
		iov_auto(iov_json_release) json_t *json = NULL;
		if (entry->fts_info != FTS_F || len < 5 || strcmp(entry->fts_name + len - 5, ".json") != 0)
			continue;
		unit_ok(ctx, read_vector(ctx, entry->fts_path, &json));
		run(ctx, entry->fts_path, json);
		count++;
	}
	fts_close(tree);
	return count;
}
