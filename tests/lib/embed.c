/* A program of somebody else on libiovpkg, as a reader of the public header would write it: lists what a root has
 * installed. */
#include <iovpkg.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct iov_config config = {.root = argc > 1 ? argv[1] : NULL};
	struct iov_ctx *ctx = NULL;
	char *json = NULL;
	int rc = iov_ctx_new(&config, &ctx);
	if (!rc)
		rc = iov_list(ctx, &json);
	if (rc)
		fprintf(stderr, "%s\n", ctx ? iov_error_text(ctx) : "out of memory");
	else
		fputs(json, stdout);
	free(json);
	iov_ctx_free(ctx);
	return rc;
}
