/* Any bytes as the lock of a host manifest: refused with a text, or each of its releases is found by its name. */
#include "file.h"
#include "state/lockfile.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	iov_auto(iov_lockfile_release) struct iov_lockfile lock = {0};
	if (iov_ctx_new(NULL, &ctx))
		abort();
	if (iov_lockfile_read(ctx, fuzz_file(data, size), &lock, NULL) && !*iov_error_text(ctx))
		abort();
	for (size_t i = 0; i < lock.count; i++)
		if (iov_lockfile_find(&lock, lock.rows[i].name) != &lock.rows[i])
			abort();
	iov_ctx_free(ctx);
	return 0;
}
