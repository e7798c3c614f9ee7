#include "sign/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define KEYS IOV_ETC "/keys"
#define KEY_FILE_MAX 512 /* bytes; the longest signer key is 195 */

/* A signer's text is a secret for as long as it lies in memory. */
static void free_secret(char **text)
{
	if (*text)
		sodium_memzero(*text, strlen(*text));
	free(*text);
}

static int parse_line(struct iov_ctx *ctx, char *text, struct iov_signer *ret)
{
	char *end = strchr(text, '\n');
	if (end && !end[1])
		*end = '\0';
	return iov_signer_parse(ctx, text, ret);
}

static int read_key(struct iov_ctx *ctx, int fd, const char *path, struct iov_signer *ret)
{
	char text[KEY_FILE_MAX];
	size_t len = 0;
	ssize_t got;
	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	int rc = IOV_OK;
	if (got < 0)
		rc = iov_error_errno(ctx, errno, "cannot read key file '%s'", path);
	text[len] = '\0';
	if (!rc && parse_line(ctx, text, ret))
		rc = iov_error_prefix(ctx, "key file '%s'", path);
	sodium_memzero(text, sizeof(text));
	return rc;
}

/* The mode is asked of the open file, so that it is the file that is read. */
static int check_private(struct iov_ctx *ctx, int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st))
		return iov_error_errno(ctx, errno, "cannot look at key file '%s'", path);
	if (!S_ISREG(st.st_mode))
		return iov_error(ctx, IOV_E_INPUT,
				 "key file '%s' is no regular file; name a file that holds a signer key", path);
	if (st.st_mode & 077)
		return iov_error(ctx, IOV_E_INPUT,
				 "key file '%s' can be read or written by others (mode %03o); run 'chmod 600 %s'", path,
				 st.st_mode & 0777, path);
	return IOV_OK;
}

static int missing(struct iov_ctx *ctx, const char *name, const char *path)
{
	if (path == name)
		return iov_error(ctx, IOV_E_NOT_FOUND, "no key file '%s'; make a key with 'iovpkg key generate NAME'",
				 path);
	return iov_error(ctx, IOV_E_NOT_FOUND, "no key '%s' in %s" KEYS "; make one with 'iovpkg key generate %s'",
			 name, ctx->root, name);
}

int iov_signer_load(struct iov_ctx *ctx, const char *name_or_path, struct iov_signer *ret)
{
	iov_auto(iov_free_ptr) char *made = NULL;
	const char *path = name_or_path;
	if (!strchr(name_or_path, '/')) {
		path = made = iov_path(ctx, KEYS "/%s.key", name_or_path);
		if (!made)
			return iov_oom(ctx);
	}
	iov_auto(iov_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return missing(ctx, name_or_path, path);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open key file '%s'", path);
	int rc = check_private(ctx, fd, path);
	return rc ? rc : read_key(ctx, fd, path, ret);
}

/* Whole or absent, and never in the place of another: a file of its own, synced, then linked to its name. 0 or -errno.
 */
static int create(const char *path, const char *text, mode_t mode)
{
	iov_auto(iov_free_ptr) char *temporary = NULL;
	if (asprintf(&temporary, "%s.%d.new", path, getpid()) < 0)
		return -ENOMEM;
	unlink(temporary);
	iov_auto(iov_close_fd) int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	int rc = iov_fs_write_fd(fd, text, strlen(text));
	if (!rc)
		rc = iov_fs_write_fd(fd, "\n", 1);
	if (!rc && (fsync(fd) || link(temporary, path)))
		rc = -errno;
	unlink(temporary);
	return rc;
}

static int store(struct iov_ctx *ctx, const char *name, const char *folder, const char *suffix, const char *text,
		 mode_t mode)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	if (!text || asprintf(&path, "%s/%s.%s", folder, name, suffix) < 0)
		return iov_oom(ctx);
	int rc = create(path, text, mode);
	if (rc == -EEXIST)
		return iov_error(ctx, IOV_E_CONFLICT,
				 "'%s' exists already and is not overwritten; choose another name for the key", path);
	return rc ? iov_error_errno(ctx, rc, "cannot write '%s'", path) : IOV_OK;
}

int iov_signer_save(struct iov_ctx *ctx, const struct iov_signer *signer)
{
	const char *name = signer->verifier.name;
	if (strchr(name, '/') || name[0] == '.')
		return iov_error(ctx, IOV_E_INPUT,
				 "key name '%s' cannot be a file name; leave out '/' and a leading '.'", name);
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, KEYS);
	iov_auto(free_secret) char *secret = iov_signer_text(signer);
	iov_auto(iov_free_ptr) char *public = iov_verifier_text(&signer->verifier);
	if (!folder || !secret || !public)
		return iov_oom(ctx);
	int err = iov_fs_mkdirs(folder, 0755);
	if (err)
		return iov_error_errno(ctx, err, "cannot make '%s'", folder);
	int rc = store(ctx, name, folder, "key", secret, 0600);
	if (!rc)
		rc = store(ctx, name, folder, "pub", public, 0644);
	if (rc)
		return rc;
	err = iov_fs_sync_dir(folder);
	return err ? iov_error_errno(ctx, err, "cannot sync '%s'", folder) : IOV_OK;
}
