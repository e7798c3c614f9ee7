/* Any bytes as iov.yaml: refused with a text, or read; and what was read is read again from its JSON, the same. */
#include <stdlib.h>
#include <string.h>

#include "core/manifest.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again_from_json(struct iov_ctx *ctx, const struct iov_manifest *manifest)
{
	struct iov_manifest *again = NULL;
	if (iov_manifest_from_json(ctx, manifest->json, &again))
		abort();
	iov_auto(iov_free_ptr) char *before = iov_json_canonical(manifest->json);
	iov_auto(iov_free_ptr) char *after = iov_json_canonical(again->json);
	if (!before || !after || strcmp(before, after))
		abort();
	iov_manifest_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	struct iov_manifest *manifest = NULL;
	if (iov_ctx_new(NULL, &ctx))
		abort();
	if (iov_manifest_parse_yaml(ctx, "iov.yaml", (const char *)data, size, &manifest) == IOV_OK)
		again_from_json(ctx, manifest);
	else if (!*iov_error_text(ctx) || manifest)
		abort();
	iov_manifest_free(manifest);
	iov_ctx_free(ctx);
	return 0;
}
