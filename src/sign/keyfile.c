#include "sign/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "credentials/secret.h"
#include "sign/keybox.h"
#include "sign/passphrase.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define KEY_FILE_MAX 512 /* bytes; the longest key, an encrypted one, has 325 */
#define ATTEMPTS 3	 /* at one passphrase */

/* A key file's only line; a secret for as long as it lies in memory. */
struct key_line {
	char *path; /* owned */
	char text[KEY_FILE_MAX];
};

static void line_release(struct key_line *line)
{
	sodium_memzero(line->text, sizeof(line->text));
	free(line->path);
}

/* ---- reading ---- */

static int read_line(struct iov_ctx *ctx, int fd, struct key_line *line)
{
	size_t len = 0;
	ssize_t got;
	while ((got = read(fd, line->text + len, sizeof(line->text) - 1 - len)) > 0)
		len += (size_t)got;
	if (got < 0)
		return iov_error_errno(ctx, errno, "cannot read key file '%s'", line->path);
	line->text[len] = '\0';
	char *end = strchr(line->text, '\n');
	if (end && !end[1])
		*end = '\0';
	return IOV_OK;
}

/* A pipe, "/dev/fd/3" from a shell, is what its writer makes it. */
static int check_private(struct iov_ctx *ctx, int fd, const char *path)
{
	struct stat st;
	if (fstat(fd, &st) || !S_ISFIFO(st.st_mode))
		return iov_secret_check_private(ctx, fd, "key file", path);
	return fcntl(fd, F_SETFL, 0) ? iov_error_errno(ctx, errno, "cannot wait for key file '%s'", path) : IOV_OK;
}

static int missing(struct iov_ctx *ctx, const char *name, const char *path)
{
	if (strchr(name, '/'))
		return iov_error(ctx, IOV_E_NOT_FOUND, "no key file '%s'; make a key with 'iovpkg key generate NAME'",
				 path);
	iov_auto(iov_free_ptr) char *revoked = iov_path(ctx, IOV_KEYS "/%s.revoked", name);
	if (revoked && iov_fs_exists(revoked))
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "key '%s' is revoked; to sign its own replacement with it name it by its path, '%s'",
				 name, revoked);
	return iov_error(ctx, IOV_E_NOT_FOUND, "no key '%s' in %s" IOV_KEYS "; make one with 'iovpkg key generate %s'",
			 name, ctx->root, name);
}

static char *path_of(const struct iov_ctx *ctx, const char *name_or_path)
{
	return strchr(name_or_path, '/') ? strdup(name_or_path) : iov_path(ctx, IOV_KEYS "/%s.key", name_or_path);
}

static int open_line(struct iov_ctx *ctx, const char *name_or_path, struct key_line *ret)
{
	ret->path = path_of(ctx, name_or_path);
	if (!ret->path)
		return iov_oom(ctx);
	iov_auto(iov_close_fd) int fd = open(ret->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return missing(ctx, name_or_path, ret->path);
	if (fd < 0)
		return iov_error_errno(ctx, errno, "cannot open key file '%s'", ret->path);
	int rc = check_private(ctx, fd, ret->path);
	return rc ? rc : read_line(ctx, fd, ret);
}

static int ask_and_open(struct iov_ctx *ctx, const struct iov_keybox *box, unsigned attempt, struct iov_signer *ret)
{
	iov_auto(iov_passphrase_release) struct iov_passphrase passphrase;
	int rc = iov_passphrase_ask(ctx, box->verifier.name, false, attempt, &passphrase);
	return rc ? rc : iov_keybox_open(ctx, box, passphrase.text, ret);
}

/* After a wrong answer the question is put again; who has no other answer hears that it was wrong. */
static int unlock(struct iov_ctx *ctx, const struct iov_keybox *box, struct iov_signer *ret)
{
	int rc = ask_and_open(ctx, box, 0, ret);
	for (unsigned attempt = 1; rc == IOV_E_PERMISSION && attempt < ATTEMPTS; attempt++) {
		rc = ask_and_open(ctx, box, attempt, ret);
		if (rc == IOV_E_DECLINED)
			return iov_keybox_wrong_passphrase(ctx, box);
	}
	return rc;
}

static int load(struct iov_ctx *ctx, const struct key_line *line, struct iov_signer *ret)
{
	struct iov_keybox box = {.passes = 0};
	int rc;
	if (!iov_is_keybox(line->text))
		rc = iov_signer_parse(ctx, line->text, ret);
	else if (!(rc = iov_keybox_parse(ctx, line->text, &box)))
		return unlock(ctx, &box, ret);
	return rc ? iov_error_prefix(ctx, "key file '%s'", line->path) : IOV_OK;
}

int iov_signer_load(struct iov_ctx *ctx, const char *name_or_path, struct iov_signer *ret)
{
	iov_auto(line_release) struct key_line line = {.path = NULL};
	int rc = open_line(ctx, name_or_path, &line);
	return rc ? rc : load(ctx, &line, ret);
}

int iov_verifier_load(struct iov_ctx *ctx, const char *name_or_path, struct iov_verifier *ret, bool *ret_encrypted)
{
	iov_auto(line_release) struct key_line line = {.path = NULL};
	iov_auto(iov_signer_release) struct iov_signer signer = {.seed = {0}};
	struct iov_keybox box = {.passes = 0};
	int rc = open_line(ctx, name_or_path, &line);
	if (rc)
		return rc;
	bool encrypted = iov_is_keybox(line.text);
	rc = encrypted ? iov_keybox_parse(ctx, line.text, &box) : iov_signer_parse(ctx, line.text, &signer);
	if (rc)
		return iov_error_prefix(ctx, "key file '%s'", line.path);
	*ret = encrypted ? box.verifier : signer.verifier;
	if (ret_encrypted)
		*ret_encrypted = encrypted;
	return IOV_OK;
}

/* ---- writing ---- */

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

static int exists(struct iov_ctx *ctx, const char *path)
{
	return iov_error(ctx, IOV_E_CONFLICT,
			 "'%s' exists already and is not overwritten; choose another name for the key", path);
}

static int store(struct iov_ctx *ctx, const char *name, const char *folder, const char *suffix, const char *text,
		 mode_t mode)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	if (!text || asprintf(&path, "%s/%s.%s", folder, name, suffix) < 0)
		return iov_oom(ctx);
	int rc = create(path, text, mode);
	if (rc == -EEXIST)
		return exists(ctx, path);
	return rc ? iov_error_errno(ctx, rc, "cannot write '%s'", path) : IOV_OK;
}

/* `secret` is the line for NAME.key. */
static int save(struct iov_ctx *ctx, const struct iov_verifier *verifier, const char *secret)
{
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, IOV_KEYS);
	iov_auto(iov_free_ptr) char *public = iov_verifier_text(verifier);
	if (!folder || !secret || !public)
		return iov_oom(ctx);
	int err = iov_fs_mkdirs(folder, 0755);
	if (err)
		return iov_error_errno(ctx, err, "cannot make '%s'", folder);
	int rc = store(ctx, verifier->name, folder, "key", secret, 0600);
	if (!rc)
		rc = store(ctx, verifier->name, folder, "pub", public, 0644);
	if (rc)
		return rc;
	err = iov_fs_sync_dir(folder);
	return err ? iov_error_errno(ctx, err, "cannot sync '%s'", folder) : IOV_OK;
}

/* Before anybody chooses a passphrase for it. */
static int check_name(struct iov_ctx *ctx, const char *name)
{
	if (strchr(name, '/') || name[0] == '.')
		return iov_error(ctx, IOV_E_INPUT,
				 "key name '%s' cannot be a file name; leave out '/' and a leading '.'", name);
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_KEYS "/%s.key", name);
	if (!path)
		return iov_oom(ctx);
	return iov_fs_exists(path) ? exists(ctx, path) : IOV_OK;
}

int iov_signer_save(struct iov_ctx *ctx, const struct iov_signer *signer)
{
	iov_auto(iov_secret_release) char *secret = iov_signer_text(signer);
	int rc = check_name(ctx, signer->verifier.name);
	return rc ? rc : save(ctx, &signer->verifier, secret);
}

static int seal(struct iov_ctx *ctx, const struct iov_signer *signer, char **ret_text)
{
	iov_auto(iov_passphrase_release) struct iov_passphrase passphrase;
	struct iov_keybox box = {.passes = IOV_KEYBOX_PASSES, .memory = IOV_KEYBOX_MEMORY};
	int rc = iov_passphrase_ask(ctx, signer->verifier.name, true, 0, &passphrase);
	if (!rc)
		rc = iov_keybox_seal(ctx, signer, passphrase.text, &box);
	if (rc)
		return rc;
	*ret_text = iov_keybox_text(&box);
	return *ret_text ? IOV_OK : iov_oom(ctx);
}

int iov_signer_save_encrypted(struct iov_ctx *ctx, const struct iov_signer *signer)
{
	iov_auto(iov_free_ptr) char *text = NULL;
	int rc = check_name(ctx, signer->verifier.name);
	if (!rc)
		rc = seal(ctx, signer, &text);
	return rc ? rc : save(ctx, &signer->verifier, text);
}

int iov_signer_change(struct iov_ctx *ctx, const char *name_or_path, bool encrypted)
{
	iov_auto(line_release) struct key_line line = {.path = NULL};
	iov_auto(iov_signer_release) struct iov_signer signer = {.seed = {0}};
	iov_auto(iov_secret_release) char *text = NULL;
	int rc = open_line(ctx, name_or_path, &line);
	if (!rc)
		rc = load(ctx, &line, &signer);
	if (!rc && encrypted)
		rc = seal(ctx, &signer, &text);
	if (!rc && !encrypted && !(text = iov_signer_text(&signer)))
		rc = iov_oom(ctx);
	if (rc)
		return rc;
	size_t len = strlen(text);
	text[len] = '\n'; /* in the place of its terminator, which the length makes up for */
	int err = iov_fs_replace(line.path, text, len + 1, 0600);
	text[len] = '\0';
	return err ? iov_error_errno(ctx, err, "cannot write key file '%s'", line.path) : IOV_OK;
}

/* A revoke that was stopped half-way has left the file under both names. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat one, other;
	bool same = !stat(a, &one) && !stat(b, &other) && one.st_ino == other.st_ino && one.st_dev == other.st_dev;
	errno = EEXIST;
	return same;
}

int iov_signer_retire(struct iov_ctx *ctx, const char *name)
{
	struct iov_verifier verifier;
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, IOV_KEYS);
	iov_auto(iov_free_ptr) char *from = iov_path(ctx, IOV_KEYS "/%s.key", name);
	iov_auto(iov_free_ptr) char *to = iov_path(ctx, IOV_KEYS "/%s.revoked", name);
	if (!folder || !from || !to)
		return iov_oom(ctx);
	int rc = iov_verifier_load(ctx, from, &verifier, NULL);
	if (rc)
		return rc;
	if (link(from, to) && !(errno == EEXIST && is_same_file(from, to)))
		return errno == EEXIST ? exists(ctx, to) : iov_error_errno(ctx, errno, "cannot write '%s'", to);
	if (unlink(from))
		return iov_error_errno(ctx, errno, "cannot remove '%s'", from);
	int err = iov_fs_sync_dir(folder);
	return err ? iov_error_errno(ctx, err, "cannot sync '%s'", folder) : IOV_OK;
}
