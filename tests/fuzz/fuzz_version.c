/* "VERSION\nVERSION\nREQUIREMENT": versions have an order, and what a requirement takes does not depend on build
 * metadata. */
#include <stdlib.h>
#include <string.h>

#include "core/version.h"
#include "util/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

static void check_order(const struct iov_version *a, const struct iov_version *b)
{
	if (sign(iov_version_compare(a, b)) != -sign(iov_version_compare(b, a)))
		abort();
	if (iov_version_compare(a, a) || iov_version_compare(b, b))
		abort();
}

static void check_requirement(struct iov_ctx *ctx, const char *text, const struct iov_version *a,
			      const struct iov_version *b)
{
	struct iov_requirement *requirement = NULL;
	if (iov_requirement_parse(ctx, text, &requirement))
		return;
	if (strcmp(iov_requirement_text(requirement), text))
		abort();
	bool takes_a = iov_requirement_matches(requirement, a), takes_b = iov_requirement_matches(requirement, b);
	if (!iov_version_compare(a, b) && takes_a != takes_b)
		abort();
	iov_requirement_free(requirement);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iov_ctx *ctx = NULL;
	struct iov_version a = {0}, b = {0};
	iov_auto(iov_free_ptr) char *text = strndup((const char *)data, size);
	if (!text || iov_ctx_new(NULL, &ctx))
		abort();
	char *rest = text;
	const char *first = strsep(&rest, "\n"), *second = rest ? strsep(&rest, "\n") : "";
	if (!iov_version_parse(ctx, first, &a) && !iov_version_parse(ctx, second, &b))
		check_order(&a, &b);
	check_requirement(ctx, rest ? rest : first, &a, &b);
	iov_ctx_free(ctx);
	return 0;
}
