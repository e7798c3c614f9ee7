#include "ops/party.h"

int iov_party_open(struct iov_ctx *ctx, unsigned flags, struct iov_judge **ret)
{
	bool image = *ctx->root && flags & IOV_NO_LOAD;
	return image ? IOV_OK : iov_judge_new(ctx, NULL, ret);
}

void iov_party_tell(struct iov_ctx *ctx, const struct iov_judge *judge, const struct iov_release *const *chosen,
		    size_t count)
{
	for (size_t i = 0; judge && i < count; i++) {
		const struct iov_manifest *manifest = chosen[i]->manifest;
		const struct iov_lack *lack = NULL;
		const struct iov_release *refused = iov_judge_refused(judge, manifest->name, &lack);
		if (refused && iov_version_compare(&refused->manifest->version, &manifest->version) > 0)
			iov_note(ctx, "module '%s' is taken at %s, as %s needs %s", manifest->name,
				 manifest->version.text, refused->manifest->version.text, lack->text);
	}
}
