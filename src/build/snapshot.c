#include "build/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/release.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define DEPTH_MAX 16 /* folders in folders; sources seen have 3 */

struct copy {
	struct iov_ctx *ctx;
	const char *module; /* for error texts */
	unsigned depth;
	struct iov_snapshot seen;
};

static int copy_folder(struct copy *copy, const char *from, const char *to);

static bool includes_vmlinux(const struct iov_buf *text)
{
	return text->data &&
	       (memmem(text->data, text->len, "\"vmlinux.h\"", 11) || memmem(text->data, text->len, "<vmlinux.h>", 11));
}

static int check_limits(struct copy *copy)
{
	if (copy->seen.files <= IOV_FILES_MAX && copy->seen.bytes <= IOV_UNPACKED_MAX)
		return IOV_OK;
	return iov_error(copy->ctx, IOV_E_INPUT,
			 "the folder '%s' holds more than a module may: %u files of %u MB together; move the module to "
			 "a folder of its own",
			 copy->module, IOV_FILES_MAX, IOV_UNPACKED_MAX >> 20);
}

static int write_file(struct iov_ctx *ctx, const char *path, const struct iov_buf *text)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int rc = fd < 0 ? -errno : iov_fs_write_fd(fd, text->data, text->len);
	if (!rc && fchmod(fd, 0644)) /* whatever our umask is */
		rc = -errno;
	return rc ? iov_error_errno(ctx, rc, "cannot write '%s'", path) : IOV_OK;
}

static int copy_file(struct copy *copy, const char *from, const char *to, const char *name)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	copy->seen.files++;
	int rc = iov_fs_read(from, IOV_UNPACKED_MAX - copy->seen.bytes + 1, &text);
	if (rc && rc != -EFBIG)
		return iov_error_errno(copy->ctx, rc, "cannot read '%s'", from);
	copy->seen.bytes = rc ? UINT64_MAX : copy->seen.bytes + text.len;
	rc = check_limits(copy);
	if (rc)
		return rc;
	copy->seen.has_vmlinux |= !strcmp(name, "vmlinux.h");
	copy->seen.wants_vmlinux |= includes_vmlinux(&text);
	return write_file(copy->ctx, to, &text);
}

/* Links, sockets and devices are passed over: an archive has none either. */
static int copy_entry(struct copy *copy, const char *from, const char *to, const char *name)
{
	struct stat st;
	if (lstat(from, &st))
		return iov_error_errno(copy->ctx, errno, "cannot read '%s'", from);
	if (S_ISREG(st.st_mode))
		return copy_file(copy, from, to, name);
	return S_ISDIR(st.st_mode) ? copy_folder(copy, from, to) : IOV_OK;
}

static int copy_name(struct copy *copy, const char *from, const char *to, const char *name)
{
	iov_auto(iov_free_ptr) char *source = NULL;
	iov_auto(iov_free_ptr) char *target = NULL;
	if (name[0] == '.')
		return IOV_OK;
	if (asprintf(&source, "%s/%s", from, name) < 0) {
		source = NULL;
		return iov_oom(copy->ctx);
	}
	if (asprintf(&target, "%s/%s", to, name) < 0) {
		target = NULL;
		return iov_oom(copy->ctx);
	}
	return copy_entry(copy, source, target, name);
}

static int copy_names(struct copy *copy, const char *from, const char *to)
{
	char **names = NULL;
	size_t count = 0;
	int rc = iov_fs_names(from, &names, &count);
	if (rc)
		return iov_error_errno(copy->ctx, rc, "cannot read the folder '%s'", from);
	for (size_t i = 0; !rc && i < count; i++)
		rc = copy_name(copy, from, to, names[i]);
	iov_fs_names_free(names, count);
	return rc;
}

static int copy_folder(struct copy *copy, const char *from, const char *to)
{
	if (copy->depth == DEPTH_MAX)
		return iov_error(copy->ctx, IOV_E_INPUT, "the folder '%s' is nested too deeply; %d levels are allowed",
				 from, DEPTH_MAX);
	if ((mkdir(to, 0755) && errno != EEXIST) || chmod(to, 0755))
		return iov_error_errno(copy->ctx, errno, "cannot make the folder '%s'", to);
	copy->depth++;
	int rc = copy_names(copy, from, to);
	copy->depth--;
	return rc;
}

int iov_snapshot_take(struct iov_ctx *ctx, const char *from, const char *to, struct iov_snapshot *ret)
{
	struct copy copy = {.ctx = ctx, .module = from};
	int rc = copy_folder(&copy, from, to);
	if (!rc)
		*ret = copy.seen;
	return rc;
}
