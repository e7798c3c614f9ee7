#include "pack/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pack/collect.h"
#include "util/cleanup.h"

/* ---- the record ------------------------------------------------------------------------------------------------- */

struct description {
	json_t *files;		   /* array of {"path", "sha256", "size"} */
	struct iov_digest *digest; /* of the last of them, whose bytes still come; NULL before the first */
	uint64_t unpacked;
};

static void description_release(struct description *description)
{
	json_decref(description->files);
	iov_digest_free(description->digest);
}

static int end_file(struct iov_ctx *ctx, struct description *description)
{
	char hex[IOV_HEX_SIZE];
	if (!description->digest)
		return IOV_OK;
	iov_digest_end_hex(description->digest, hex);
	iov_digest_free(description->digest);
	description->digest = NULL;
	json_t *file = json_array_get(description->files, json_array_size(description->files) - 1);
	return json_object_set_new(file, "sha256", json_string(hex)) ? iov_oom(ctx) : IOV_OK;
}

static int describe_piece(struct iov_ctx *ctx, const char *path, uint64_t size, const void *data, size_t len,
			  void *cookie)
{
	struct description *description = cookie;
	if (data) {
		iov_digest_add(description->digest, data, len);
		return IOV_OK;
	}
	int rc = end_file(ctx, description);
	if (rc)
		return rc;
	json_t *file = json_pack("{s:s, s:I}", "path", path, "size", (json_int_t)size);
	if (json_array_append_new(description->files, file))
		return iov_oom(ctx);
	description->unpacked += size;
	return iov_digest_new_for(ctx, size, &description->digest);
}

/* Read back from the archive itself, not from the folder: so the record is true even if a file changed meanwhile, and
 * what a host would refuse to unpack is found here. */
static int describe_files(struct iov_ctx *ctx, int archive, struct description *description)
{
	const struct iov_unpack_limits limits = {.unpacked = IOV_UNPACKED_MAX, .files = IOV_FILES_MAX};
	description->files = json_array();
	if (!description->files)
		return iov_oom(ctx);
	if (lseek(archive, 0, SEEK_SET) < 0)
		return iov_error_errno(ctx, errno, "cannot read the archive back");
	int rc = iov_archive_unpack(ctx, archive, &limits, describe_piece, description);
	if (rc == IOV_E_UNTRUSTED)
		return iov_error(ctx, IOV_E_INPUT, "no host would take it: %s", iov_error_text(ctx));
	return rc ? rc : end_file(ctx, description);
}

static int describe_archive(struct iov_ctx *ctx, int fd, const char *path, json_t **ret)
{
	char sha256[IOV_HEX_SIZE];
	struct stat st;
	iov_auto(description_release) struct description description = {0};
	if (fstat(fd, &st))
		return iov_error_errno(ctx, errno, "cannot read '%s'", path);
	if (st.st_size > IOV_ARCHIVE_MAX)
		return iov_error(ctx, IOV_E_INPUT, "the archive has %lld bytes, more than the %u MiB allowed",
				 (long long)st.st_size, IOV_ARCHIVE_MAX >> 20);
	int rc = iov_sha256_file(ctx, path, sha256);
	rc = rc ? rc : describe_files(ctx, fd, &description);
	if (rc)
		return rc;
	*ret = json_pack("{s:O, s:s, s:I, s:I}", "files", description.files, "sha256", sha256, "size",
			 (json_int_t)st.st_size, "unpacked", (json_int_t)description.unpacked);
	return *ret ? IOV_OK : iov_oom(ctx);
}

/* ---- the archive ------------------------------------------------------------------------------------------------ */

static int write_archive(struct iov_ctx *ctx, const struct iov_collection *files, const char *path,
			 json_t **ret_archive)
{
	iov_auto(iov_close_fd) int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot write '%s'", path);
	int rc = iov_archive_pack(ctx, files->entries, files->count, fd);
	return rc ? rc : describe_archive(ctx, fd, path, ret_archive);
}

/* At its place only once it is whole and described. */
static int place_archive(struct iov_ctx *ctx, const struct iov_collection *files, const char *output,
			 json_t **ret_archive)
{
	struct iov_buf name = {0};
	iov_buf_printf(&name, "%s.%d.new", output, getpid());
	iov_auto(iov_free_ptr) char *temporary = iov_buf_take(&name);
	iov_auto(iov_json_release) json_t *archive = NULL;
	if (!temporary)
		return iov_oom(ctx);
	int rc = write_archive(ctx, files, temporary, &archive);
	if (!rc && rename(temporary, output))
		rc = iov_error_errno(ctx, errno, "cannot write '%s'", output);
	if (rc)
		unlink(temporary);
	else
		*ret_archive = iov_take(archive);
	return rc;
}

int iov_pack_module(struct iov_ctx *ctx, const char *dir, const struct iov_manifest *manifest, const char *object,
		    const struct iov_object *described, const char *output, json_t **ret_release)
{
	iov_auto(iov_collection_release) struct iov_collection files = {0};
	iov_auto(iov_json_release) json_t *archive = NULL;
	int rc = iov_collect(ctx, dir, manifest, object, &files);
	rc = rc ? rc : place_archive(ctx, &files, output, &archive);
	if (rc)
		return iov_error_prefix(ctx, "packing '%s'", manifest->name);
	json_t *release = json_pack("{s:O, s:O, s:O, s:i}", "archive", archive, "manifest", manifest->json, "object",
				    described->json, "schema", 1);
	if (!release)
		return iov_oom(ctx);
	*ret_release = release;
	return IOV_OK;
}
