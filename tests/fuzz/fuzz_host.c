/* Any bytes as a host manifest: refused with a text, or every instance has a module. */
#include "core/hostfile.h"
#include "file.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct iov_hostfile *host)
{
	const char *name;
	json_t *settings;
	if (!json_is_object(host->modules) || !host->lock)
		abort();
	json_object_foreach((json_t *)host->instances, name, settings) {
		if (!iov_hostfile_module(name, settings))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	iov_auto(iov_hostfile_release) struct iov_hostfile host = {0};
	if (iov_ctx_new(NULL, &ctx))
		abort();
	if (iov_hostfile_read(ctx, fuzz_file(data, size), &host) == IOV_OK)
		check(&host);
	else if (!*iov_error_text(ctx))
		abort();
	iov_ctx_free(ctx);
	return 0;
}
