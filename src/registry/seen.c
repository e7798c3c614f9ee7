#include "registry/seen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "registry/seen_line.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SCHEMA 1
#define SEEN_MAX (64u << 20) /* bytes; 4096 modules with 20 releases each make 12 MB */

/* ---- reading ---- */

static char *path_in(const char *folder)
{
	char *path = NULL;
	return asprintf(&path, "%s/seen.json", folder) < 0 ? NULL : path;
}

static int read_modules(struct iov_ctx *ctx, const char *path, json_t **ret)
{
	uint64_t schema = 0;
	json_t *modules = NULL;
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_json_read(ctx, path, SEEN_MAX, &json);
	if (!rc)
		rc = iov_json_get_uint(ctx, path, json, "schema", &schema);
	if (!rc)
		rc = iov_json_get_object(ctx, path, json, "modules", &modules);
	if (!rc && schema == SCHEMA) {
		*ret = json_incref(modules);
		return IOV_OK;
	}
	if (rc == IOV_E_SPACE || rc == IOV_E_PERMISSION)
		return rc;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "what this host remembers of a registry's releases is damaged: '%s'; remove the file, and it "
			 "begins anew",
			 path);
}

int iov_seen_open(struct iov_ctx *ctx, const char *folder, struct iov_seen *ret)
{
	iov_auto(iov_free_ptr) char *path = path_in(folder);
	json_t *modules = NULL;
	if (!path)
		return iov_oom(ctx);
	int rc = IOV_OK;
	if (iov_fs_exists(path))
		rc = read_modules(ctx, path, &modules);
	else
		modules = json_object();
	if (!rc && !modules)
		rc = iov_oom(ctx);
	if (!rc)
		*ret = (struct iov_seen){.modules = modules, .known = UINT64_MAX};
	return rc;
}

void iov_seen_release(struct iov_seen *seen)
{
	json_decref(seen->modules);
	*seen = (struct iov_seen){.modules = NULL};
}

/* ---- remembering ---- */

static int read_releases(struct iov_ctx *ctx, const char *name, const char *text, size_t len, json_t *releases)
{
	int rc = IOV_OK;
	for (const char *at = text, *end = text + len; !rc && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = newline ? (size_t)(newline - at) : (size_t)(end - at);
		rc = iov_seen_read_line(ctx, name, at, line, releases);
		at += line + 1;
	}
	return rc;
}

int iov_seen_note(struct iov_ctx *ctx, struct iov_seen *seen, const char *name, const char *text, size_t len)
{
	char sha256[IOV_HEX_SIZE];
	const json_t *before = json_object_get(seen->modules, name);
	iov_sha256_hex(text, len, sha256);
	if (before && !strcmp(iov_seen_index(before), sha256))
		return IOV_OK;
	if (!before && json_object_size(seen->modules) >= IOV_SEEN_MODULES_MAX)
		return IOV_OK;
	iov_auto(iov_json_release) json_t *releases = json_object();
	int rc = read_releases(ctx, name, text, len, releases);
	if (rc)
		return rc;
	json_t *module = json_pack("{s:s, s:O}", "index", sha256, "releases", releases);
	if (!module || json_object_set_new(seen->modules, name, module))
		return iov_oom(ctx);
	seen->changed = true;
	return IOV_OK;
}

/* ---- writing ---- */

/* Of two memories of a module, the one that knows a later entry of the log. */
static bool is_newer(const json_t *a, const json_t *b)
{
	return iov_seen_newest(a) > iov_seen_newest(b);
}

static void merge(const struct iov_seen *seen, const json_t *from)
{
	json_t *into = seen->modules;
	const char *name;
	json_t *module;
	json_object_foreach((json_t *)from, name, module) {
		const json_t *own = json_object_get(into, name);
		if (iov_seen_newest(module) < seen->known && (!own || is_newer(module, own)))
			json_object_set(into, name, module);
	}
}

int iov_seen_store(struct iov_ctx *ctx, const char *folder, struct iov_seen *seen)
{
	iov_auto(iov_seen_release) struct iov_seen there = {.modules = NULL};
	iov_auto(iov_free_ptr) char *path = path_in(folder);
	if (!seen->changed)
		return IOV_OK;
	if (!path)
		return iov_oom(ctx);
	if (!iov_seen_open(ctx, folder, &there))
		merge(seen, there.modules);
	iov_auto(iov_json_release) json_t *json = json_pack("{s:O, s:i}", "modules", seen->modules, "schema", SCHEMA);
	iov_auto(iov_free_ptr) char *text = json ? iov_json_canonical(json) : NULL;
	if (!text)
		return iov_oom(ctx);
	int err = iov_fs_replace(path, text, strlen(text), 0644);
	seen->changed = err != 0;
	return err ? iov_error_errno(ctx, err, "cannot write '%s'", path) : IOV_OK;
}

int iov_seen_save(struct iov_ctx *ctx, const struct iov_trust *trust, struct iov_seen *seen)
{
	iov_auto(iov_close_fd) int fd = -1;
	if (!seen->changed)
		return IOV_OK;
	int rc = iov_trust_lock(ctx, trust, &fd);
	if (!rc)
		rc = iov_seen_store(ctx, trust->folder, seen);
	return rc == IOV_E_PERMISSION ? IOV_OK : rc;
}
