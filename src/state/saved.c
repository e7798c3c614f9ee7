#include "state/saved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define FOLDER IOV_STATE "/saved"

/* A map's name may begin with a dot, and must not lead anywhere: ".bss" is saved as "bss.map". */
static char *file_name(const char *map)
{
	char *name = NULL;
	if (asprintf(&name, "%s.map", *map == '.' ? map + 1 : map) < 0)
		return NULL;
	for (char *at = name; *at && strcmp(at, ".map") != 0; at++)
		if (*at == '.' || *at == '/')
			*at = '_';
	return name;
}

char *iov_saved_path(const struct iov_ctx *ctx, const char *instance, const char *map)
{
	iov_auto(iov_free_ptr) char *name = file_name(map);
	return name ? iov_path(ctx, FOLDER "/%s/%s", instance, name) : NULL;
}

int iov_saved_set_aside(struct iov_ctx *ctx, const char *path)
{
	iov_auto(iov_free_ptr) char *aside = NULL;
	size_t stem = strlen(path) - strlen(".map");
	if (asprintf(&aside, "%.*s.bad", (int)stem, path) < 0)
		return iov_oom(ctx);
	if (rename(path, aside))
		return iov_error_errno(ctx, errno, "cannot keep '%s' as '%s'", path, aside);
	iov_note(ctx, "what was saved is kept as '%s'", aside);
	return IOV_OK;
}

/* ---- what nobody will ask for ---- */

static bool is_wanted(const struct iov_manifest *manifest, const char *file)
{
	size_t stem = strcspn(file, ".");
	for (size_t i = 0; i < manifest->n_persist; i++) {
		iov_auto(iov_free_ptr) char *name = file_name(manifest->persist[i]);
		if (!name || (strcspn(name, ".") == stem && !strncmp(name, file, stem)))
			return true;
	}
	return false;
}

static int collect_maps(struct iov_ctx *ctx, const char *folder, const struct iov_manifest *manifest)
{
	char **names = NULL;
	size_t count = 0;
	int rc = iov_fs_names(folder, &names, &count);
	for (size_t i = 0; !rc && i < count; i++) {
		iov_auto(iov_free_ptr) char *path = NULL;
		if (is_wanted(manifest, names[i]))
			continue;
		if (asprintf(&path, "%s/%s", folder, names[i]) < 0)
			rc = -ENOMEM;
		else
			rc = iov_fs_rmtree(path);
	}
	iov_fs_names_free(names, count);
	return rc ? iov_error_errno(ctx, rc, "cannot clear the saved maps in '%s'", folder) : IOV_OK;
}

static int collect_instance(struct iov_ctx *ctx, const char *folder, const char *name,
			    const struct iov_generation *generation)
{
	const struct iov_instance *instance = iov_generation_instance(generation, name);
	const struct iov_installed *installed =
		instance ? iov_generation_installed(generation, instance->module) : NULL;
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return iov_oom(ctx);
	if (installed && installed->release->manifest->n_persist)
		return collect_maps(ctx, path, installed->release->manifest);
	int rc = iov_fs_rmtree(path);
	return rc ? iov_error_errno(ctx, rc, "cannot remove the saved maps '%s'", path) : IOV_OK;
}

int iov_saved_collect(struct iov_ctx *ctx, const struct iov_generation *generation)
{
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, FOLDER);
	char **names = NULL;
	size_t count = 0;
	if (!folder)
		return iov_oom(ctx);
	int rc = iov_fs_names(folder, &names, &count);
	if (rc)
		return rc == -ENOENT ? IOV_OK : iov_error_errno(ctx, rc, "cannot list the saved maps in '%s'", folder);
	for (size_t i = 0; !rc && i < count; i++)
		rc = collect_instance(ctx, folder, names[i], generation);
	iov_fs_names_free(names, count);
	return rc;
}
