/* remove and unload: what others use goes only together with them. */
#include <string.h>

#include "ops/instances.h"
#include "util/buf.h"
#include "util/cleanup.h"

static bool is_listed(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* Installed modules that need `name` and are not going themselves, as "'a', 'b'". */
static char *dependents_of(const struct iov_generation *generation, const char *name, const char *const *going,
			   size_t count)
{
	struct iov_buf names = {0};
	for (size_t i = 0; i < generation->n_installed; i++) {
		const struct iov_manifest *manifest = generation->installed[i].release->manifest;
		if (iov_manifest_dependency(manifest, name) && !is_listed(going, count, manifest->name))
			iov_buf_printf(&names, "%s'%s'", names.len ? ", " : "", manifest->name);
	}
	return names.len ? iov_buf_take(&names) : NULL;
}

static void drop_module(struct iov_generation *to, const char *module)
{
	for (size_t i = to->n_instances; i-- > 0;)
		if (!strcmp(to->instances[i].module, module))
			iov_generation_drop_instance(to, to->instances[i].name);
	iov_generation_drop_release(to, module);
}

/* With IOV_CASCADE: the dependents first, theirs before them. */
static void drop_with_dependents(struct iov_generation *to, const char *module)
{
	for (size_t i = 0; i < to->n_installed;) {
		const struct iov_manifest *manifest = to->installed[i].release->manifest;
		if (!iov_manifest_dependency(manifest, module)) {
			i++;
			continue;
		}
		iov_auto(iov_free_ptr) char *dependent = strdup(manifest->name);
		if (!dependent)
			return;
		drop_with_dependents(to, dependent);
		i = 0;
	}
	drop_module(to, module);
}

static int remove_one(struct iov_edit *edit, const char *name, const char *const *names, size_t count)
{
	struct iov_ctx *ctx = edit->ctx;
	if (!iov_generation_installed(edit->from, name))
		return iov_error(ctx, IOV_E_NOT_FOUND, "module '%s' is not installed; 'iovpkg list' shows what is",
				 name);
	if (edit->flags & IOV_CASCADE) {
		drop_with_dependents(edit->to, name);
		return IOV_OK;
	}
	iov_auto(iov_free_ptr) char *dependents = dependents_of(edit->from, name, names, count);
	if (dependents)
		return iov_error(ctx, IOV_E_CONFLICT,
				 "module '%s' is used by %s; remove those first, or all together with --with-importers",
				 name, dependents);
	drop_module(edit->to, name);
	return IOV_OK;
}

int iov_remove(struct iov_ctx *ctx, const char *const *names, size_t count, unsigned flags, char **ret_json)
{
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_edit_begin(ctx, flags, &edit);
	for (size_t i = 0; !rc && i < count; i++) {
		rc = iov_edit_name(&edit, names[i]);
		if (!rc)
			rc = remove_one(&edit, names[i], names, count);
	}
	if (rc)
		return rc;
	iov_instances_tidy(&edit);
	return iov_edit_finish(&edit, ret_json);
}

static void unload_with_importers(struct iov_generation *to, const char *name)
{
	for (size_t i = 0; i < to->n_instances;) {
		if (!iov_instance_imports_from(&to->instances[i], name)) {
			i++;
			continue;
		}
		iov_auto(iov_free_ptr) char *importer = strdup(to->instances[i].name);
		if (!importer)
			return;
		unload_with_importers(to, importer);
		i = 0;
	}
	iov_generation_drop_instance(to, name);
}

int iov_unload(struct iov_ctx *ctx, const char *const *instances, size_t count, unsigned flags, char **ret_json)
{
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	int rc = iov_edit_begin(ctx, flags, &edit);
	for (size_t i = 0; !rc && i < count; i++) {
		rc = iov_edit_name(&edit, instances[i]);
		if (!rc && !iov_generation_instance(edit.from, instances[i]))
			rc = iov_error(ctx, IOV_E_NOT_FOUND,
				       "no instance '%s' is loaded; 'iovpkg status' shows what is", instances[i]);
		if (rc)
			return rc;
		if (flags & IOV_CASCADE)
			unload_with_importers(edit.to, instances[i]);
		else
			iov_generation_drop_instance(edit.to, instances[i]);
	}
	for (size_t i = 0; !rc && i < count; i++) {
		iov_auto(iov_free_ptr) char *importers = iov_instance_importers(edit.to, instances[i]);
		if (importers)
			rc = iov_error(ctx, IOV_E_CONFLICT,
				       "instance '%s' shares maps with %s; unload those first, or all together with "
				       "--with-importers",
				       instances[i], importers);
	}
	if (rc)
		return rc;
	iov_instances_tidy(&edit);
	return iov_edit_finish(&edit, ret_json);
}
