/*
 * The digest of a file, as a download or `iovpkg verify` computes it: as a whole process, to be compared with
 * `openssl dgst -sha256 FILE`.
 *
 *   digest FILE
 */
#include <stdio.h>

#include "core/digest.h"

int main(int argc, char **argv)
{
	struct iov_ctx *ctx;
	char sha256[IOV_HEX_SIZE];
	int rc = argc == 2 ? iov_ctx_new(NULL, &ctx) : IOV_E_USAGE;
	rc = rc ? rc : iov_sha256_file(ctx, argv[1], sha256);
	if (!rc)
		puts(sha256);
	return rc;
}
