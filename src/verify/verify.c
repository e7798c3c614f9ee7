#include "verify/verify.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int iov_verify_archive(struct iov_ctx *ctx, const struct iov_release *release, const char *path)
{
	const char *name = release->manifest->name, *version = release->manifest->version.text;
	struct stat st;
	if (stat(path, &st))
		return iov_error_errno(ctx, errno, "cannot read the archive '%s'", path);
	if ((uint64_t)st.st_size != release->size)
		return iov_error(
			ctx, IOV_E_UNTRUSTED,
			"archive of '%s' %s has %llu bytes, but its signed release says %llu bytes with SHA-256 %s; "
			"nothing was unpacked: try again, and tell the registry's owner when it stays so",
			name, version, (unsigned long long)st.st_size, (unsigned long long)release->size,
			release->sha256);
	char sha256[IOV_HEX_SIZE];
	int rc = iov_sha256_file(ctx, path, sha256);
	if (rc)
		return rc;
	if (strcmp(sha256, release->sha256) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "archive of '%s' %s has SHA-256 %s, but its signed release says %s; "
				 "nothing was unpacked: try again, and tell the registry's owner when it stays so",
				 name, version, sha256, release->sha256);
	return IOV_OK;
}
