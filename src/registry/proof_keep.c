#include "registry/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "registry/checked.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define PROOF_MAX (1u << 20) /* bytes: a head and some roots of at most 256 KiB each */

static const struct iov_checked_bounds bounds = {.files = 4096, .bytes = 16ull << 20};

static char *path_of(const struct iov_trust *trust, const char *sha256)
{
	char *path = NULL;
	return asprintf(&path, "%s/proofs/%.64s.json", trust->folder, sha256) < 0 ? NULL : path;
}

static int read_proof(struct iov_ctx *ctx, const char *path, const struct iov_release *release, json_t **ret)
{
	iov_auto(iov_json_release) json_t *proof = NULL;
	iov_auto(iov_json_release) json_t *chain = NULL;
	int rc = iov_json_read(ctx, path, PROOF_MAX, &proof);
	if (!rc)
		rc = iov_proof_check(ctx, proof, release, &chain);
	if (!rc)
		*ret = iov_take(proof);
	return rc;
}

json_t *iov_proof_recall(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release)
{
	iov_auto(iov_free_ptr) char *path = path_of(trust, release->sha256);
	json_t *proof = NULL;
	if (!path || !iov_fs_exists(path))
		return NULL;
	struct iov_saved_error saved = iov_error_save(ctx);
	if (read_proof(ctx, path, release, &proof))
		unlink(path);
	else
		utimensat(AT_FDCWD, path, NULL, 0);
	iov_error_restore(ctx, saved);
	return proof;
}

bool iov_proof_is_newest(const struct iov_trust *trust, const json_t *proof)
{
	const char *head = json_string_value(json_object_get(proof, "head"));
	return head && trust->note && !strcmp(head, trust->note) &&
	       json_array_size(json_object_get(proof, "roots")) == trust->n_roots;
}

static int write_proof(const char *path, const char *text)
{
	iov_auto(iov_free_ptr) char *beside = NULL;
	if (asprintf(&beside, "%s.%d.new", path, getpid()) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	iov_auto(iov_close_fd) int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int err = fd < 0 ? -errno : iov_fs_write_fd(fd, text, strlen(text));
	if (!err && rename(beside, path))
		err = -errno;
	if (err)
		unlink(beside);
	return err;
}

static void prune(const struct iov_trust *trust)
{
	iov_auto(iov_free_ptr) char *folder = NULL;
	if (asprintf(&folder, "%s/proofs", trust->folder) < 0)
		folder = NULL;
	if (folder)
		iov_checked_prune(folder, &bounds);
}

void iov_proof_keep(struct iov_ctx *ctx, const struct iov_trust *trust, const struct iov_release *release,
		    const json_t *proof)
{
	iov_auto(iov_free_ptr) char *path = path_of(trust, release->sha256);
	iov_auto(iov_free_ptr) char *text = iov_json_text(proof);
	int err = path && text ? iov_fs_mkdirs_for(path, 0755) : -ENOMEM;
	if (!err)
		err = write_proof(path, text);
	if (err)
		iov_warn(ctx, "the proof of '%s' %s cannot be kept for 'verify --offline' in '%s': %s",
			 release->manifest->name, release->manifest->version.text, path ? path : "proofs",
			 strerror(-err));
	else
		prune(trust);
}
