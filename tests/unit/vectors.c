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

/* Numbers are read as reals: ours end at 2^63 - 1, and vectors have larger ones. */
static json_t *read_vector(const char *path)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	json_error_t error;
	ck_assert_int_eq(iov_fs_read(path, VECTOR_FILE_MAX, &text), 0);
	json_t *json = json_loadb(text.data, text.len, JSON_DECODE_INT_AS_REAL, &error);
	ck_assert_msg(json != NULL, "%s:%d: %s", path, error.line, error.text);
	return json;
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
		if (entry->fts_info != FTS_F || len < 5 || strcmp(entry->fts_name + len - 5, ".json") != 0)
			continue;
		iov_auto(iov_json_release) json_t *json = read_vector(entry->fts_path);
		run(ctx, entry->fts_path, json);
		count++;
	}
	fts_close(tree);
	return count;
}
