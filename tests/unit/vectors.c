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
		int rc = iov_json_read(ctx, entry->fts_path, VECTOR_FILE_MAX, &json);
		if (rc && strstr(iov_error_text(ctx), "too big integer"))
			continue; /* 2^64 - 1 is no number of our documents */
		ck_assert_msg(rc == IOV_OK, "%s", iov_error_text(ctx));
		run(ctx, entry->fts_path, json);
		count++;
	}
	fts_close(tree);
	return count;
}
