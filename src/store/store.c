#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "build/build.h"
#include "store/entry.h"
#include "store/unpack.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define OBJECT_FILE "object.bpf.o"

char *iov_store_dir(struct iov_ctx *ctx, const char *sha256)
{
	return iov_entry_path(ctx, sha256);
}

bool iov_store_has(struct iov_ctx *ctx, const char *sha256)
{
	iov_auto(iov_free_ptr) char *dir = iov_entry_path(ctx, sha256);
	return dir && iov_fs_exists(dir);
}

/* ---- releases ---- */

static void free_release(struct iov_release **release)
{
	iov_release_free(*release);
}

/* Not synced here: iov_entry_keep() does it for the whole entry. */
static int write_record(struct iov_ctx *ctx, const struct iov_release *release, const char *dir)
{
	iov_auto(iov_free_ptr) char *text = iov_json_canonical(release->json);
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", dir, IOV_RELEASE_FILE);
	if (!text || iov_buf_failed(&path))
		return iov_oom(ctx);
	iov_auto(iov_close_fd) int fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int rc = fd < 0 ? -errno : iov_fs_write_fd(fd, text, strlen(text));
	return rc ? iov_error_errno(ctx, rc, "cannot write '%s'", path.data) : IOV_OK;
}

int iov_store_add(struct iov_ctx *ctx, const struct iov_release *release, const char *archive)
{
	if (iov_store_has(ctx, release->sha256))
		return IOV_OK;
	char subject[IOV_NAME_MAX + IOV_VERSION_MAX + 2];
	snprintf(subject, sizeof(subject), "%s %s", release->manifest->name, release->manifest->version.text);
	iov_step(ctx, "unpacking", subject);
	struct iov_entry entry = {0};
	int rc = iov_entry_begin(ctx, release->sha256, &entry);
	if (!rc)
		rc = iov_store_unpack(ctx, release, archive, entry.dir);
	if (!rc)
		rc = write_record(ctx, release, entry.dir);
	if (!rc)
		rc = iov_entry_keep(ctx, &entry);
	iov_entry_end(&entry);
	if (!rc)
		iov_done(ctx, "unpacking", subject);
	return rc;
}

int iov_store_release(struct iov_ctx *ctx, const char *sha256, struct iov_release **ret)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/store/%s/" IOV_RELEASE_FILE, sha256);
	if (!path)
		return iov_oom(ctx);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	int rc = iov_fs_read(path, IOV_INDEX_LINE_MAX, &text);
	if (rc == -ENOENT)
		return iov_error(ctx, IOV_E_NOT_FOUND, "the store has no '%s'; 'iovpkg install' fetches it again",
				 path);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot read '%s'", path);
	iov_auto(free_release) struct iov_release *release = NULL;
	rc = iov_release_parse(ctx, path, text.data, text.len, &release);
	if (rc)
		return rc;
	if (strcmp(release->sha256, sha256) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' is the record of another archive than its folder says",
				 path);
	*ret = iov_take(release);
	return IOV_OK;
}

/* ---- objects ---- */

/* The same sources and the same toolchain make the same object, so it is built once. */
static int build_key(struct iov_ctx *ctx, const struct iov_release *release, char ret[IOV_HEX_SIZE])
{
	char toolchain[IOV_HEX_SIZE];
	int rc = iov_build_toolchain(ctx, toolchain);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *parts =
		json_pack("{s:s, s:s}", "archive", release->sha256, "toolchain", toolchain);
	iov_auto(iov_free_ptr) char *text = parts ? iov_json_canonical(parts) : NULL;
	if (!text)
		return iov_oom(ctx);
	iov_sha256_hex(text, strlen(text), ret);
	return IOV_OK;
}

static int build_into(struct iov_ctx *ctx, const struct iov_release *release, const struct iov_entry *entry)
{
	iov_auto(iov_free_ptr) char *source = iov_entry_path(ctx, release->sha256);
	iov_auto(iov_buf_release) struct iov_buf output = {0};
	iov_buf_printf(&output, "%s/" OBJECT_FILE, entry->dir);
	if (!source || iov_buf_failed(&output))
		return iov_oom(ctx);
	return iov_build_module(ctx, source, release->manifest, output.data);
}

static int build(struct iov_ctx *ctx, const struct iov_release *release, const char *key)
{
	struct iov_entry entry = {0};
	int rc = iov_entry_begin(ctx, key, &entry);
	if (!rc)
		rc = build_into(ctx, release, &entry);
	if (!rc)
		rc = iov_entry_keep(ctx, &entry);
	iov_entry_end(&entry);
	return rc;
}

int iov_store_object(struct iov_ctx *ctx, const struct iov_release *release, char ret_key[IOV_HEX_SIZE])
{
	char key[IOV_HEX_SIZE] = "";
	if (!iov_release_object_path(release)) {
		int rc = build_key(ctx, release, key);
		if (!rc && !iov_store_has(ctx, key))
			rc = build(ctx, release, key);
		if (rc)
			return rc;
	}
	memcpy(ret_key, key, sizeof(key));
	return IOV_OK;
}

char *iov_store_object_path(struct iov_ctx *ctx, const struct iov_installed *installed)
{
	if (*installed->object)
		return iov_path(ctx, IOV_STATE "/store/%s/" OBJECT_FILE, installed->object);
	const char *inside = iov_release_object_path(installed->release);
	return inside ? iov_path(ctx, IOV_STATE "/store/%s/%s", installed->release->sha256, inside) : NULL;
}

/* ---- care ---- */

static bool is_kept(const char *const *keep, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(keep[i], name))
			return true;
	return false;
}

/* Names that are no keys are what killed commands left. */
int iov_store_remove(struct iov_ctx *ctx, const char *name)
{
	if (iov_is_sha256_hex(name))
		return iov_entry_remove(ctx, name);
	iov_auto(iov_free_ptr) char *path = iov_entry_path(ctx, name);
	int rc = path ? iov_fs_rmtree(path) : -ENOMEM;
	return rc ? iov_error_errno(ctx, rc, "cannot remove '%s' from the store", name) : IOV_OK;
}

int iov_store_each_other(struct iov_ctx *ctx, const char *const *keep, size_t count,
			 int (*each)(struct iov_ctx *ctx, const char *name, void *data), void *data)
{
	iov_auto(iov_free_ptr) char *store = iov_path(ctx, IOV_STATE "/store");
	if (!store)
		return iov_oom(ctx);
	char **names = NULL;
	size_t n_names = 0;
	int rc = iov_fs_names(store, &names, &n_names);
	if (rc == -ENOENT)
		return IOV_OK;
	if (rc)
		return iov_error_errno(ctx, rc, "cannot read the folder '%s'", store);
	for (size_t i = 0; !rc && i < n_names; i++)
		if (!iov_is_sha256_hex(names[i]) || !is_kept(keep, count, names[i]))
			rc = each(ctx, names[i], data);
	iov_fs_names_free(names, n_names);
	return rc;
}

static int remove_one(struct iov_ctx *ctx, const char *name, void *data)
{
	(void)data;
	return iov_store_remove(ctx, name);
}

int iov_store_collect(struct iov_ctx *ctx, const char *const *keep, size_t count)
{
	return iov_store_each_other(ctx, keep, count, remove_one, NULL);
}

bool iov_store_has_others(struct iov_ctx *ctx, const char *const *keep, size_t count)
{
	iov_auto(iov_free_ptr) char *store = iov_path(ctx, IOV_STATE "/store");
	char **names = NULL;
	size_t n_names = 0, n_kept = 0;
	int rc = store ? iov_fs_names(store, &names, &n_names) : -ENOMEM;
	if (rc)
		return rc != -ENOENT;
	while (n_kept < n_names && is_kept(keep, count, names[n_kept]))
		n_kept++;
	iov_fs_names_free(names, n_names);
	return n_kept < n_names;
}
