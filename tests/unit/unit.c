#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/fs.h"

#ifndef IOV_TESTS_DIR
#define IOV_TESTS_DIR "tests"
#endif

struct iov_ctx *unit_ctx(void)
{
	char root[256];
	const char *base = getenv("TMPDIR");
	snprintf(root, sizeof(root), "%s/iov-unit.XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(root));
	struct iov_config config = {.root = root, .worker = getenv("IOVPKG_WORKER")};
	struct iov_ctx *ctx = NULL;
	ck_assert_int_eq(iov_ctx_new(&config, &ctx), IOV_OK);
	return ctx;
}

void unit_ctx_free(struct iov_ctx *ctx)
{
	ck_assert_int_eq(iov_fs_rmtree(ctx->root), 0);
	iov_ctx_free(ctx);
}

const char *unit_data(const char *relative)
{
	static char path[512];
	snprintf(path, sizeof(path), "%s/%s", IOV_TESTS_DIR, relative);
	return path;
}
