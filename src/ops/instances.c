#include "ops/instances.h"

#include <string.h>

#include "ops/imports.h"
#include "util/buf.h"
#include "util/cleanup.h"

static struct iov_installed *module_of(struct iov_edit *edit, const char *module)
{
	return iov_generation_installed(edit->to, module);
}

/* Parameters of the instance as it was, less those that the module does not know any more. */
static json_t *known_params(const struct iov_manifest *manifest, const struct iov_instance *before)
{
	json_t *known = json_object();
	const char *key;
	json_t *value;
	json_object_foreach(before ? before->params : NULL, key, value)
		if (iov_manifest_param(manifest, key))
			json_object_set(known, key, value);
	return known;
}

/* Where nobody chose, a map comes from the instance that is named as its module, which is loaded if need be. */
static int imports_of(struct iov_edit *edit, const struct iov_manifest *manifest, const json_t *chosen_ones,
		      json_t **ret)
{
	iov_auto(iov_json_release) json_t *imports = json_object();
	if (!imports)
		return iov_oom(edit->ctx);
	for (size_t i = 0; i < manifest->n_imports; i++) {
		const struct iov_import_spec *spec = &manifest->imports[i];
		const char *chosen = json_string_value(json_object_get(chosen_ones, spec->map));
		const char *provider = chosen ? chosen : spec->from;
		if (!iov_generation_instance(edit->to, provider)) {
			int rc = iov_instance_want(edit, spec->from, provider, (struct iov_settings){0}, false);
			if (rc)
				return iov_error_prefix(edit->ctx, "loading '%s', whose map '%s' the module '%s' uses",
							provider, spec->source, manifest->name);
		}
		if (json_object_set_new(imports, spec->map, json_string(provider)))
			return iov_oom(edit->ctx);
	}
	*ret = iov_take(imports);
	return IOV_OK;
}

int iov_instance_want(struct iov_edit *edit, const char *module, const char *alias, struct iov_settings settings,
		      bool wished)
{
	struct iov_ctx *ctx = edit->ctx;
	const struct iov_installed *installed = module_of(edit, module);
	if (!installed)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "module '%s' is not installed; install it with 'iovpkg install %s'", module, module);
	if (!iov_is_name(alias))
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' cannot name an instance; use lower-case letters, digits and '-'", alias);
	const struct iov_instance *before = iov_generation_instance(edit->to, alias);
	if (before && strcmp(before->module, module) != 0)
		return iov_error(ctx, IOV_E_CONFLICT, "instance '%s' runs module '%s'; choose another name with --as",
				 alias, before->module);

	const struct iov_manifest *manifest = installed->release->manifest;
	iov_auto(iov_json_release) json_t *known = known_params(manifest, before);
	iov_auto(iov_json_release) json_t *params = NULL;
	iov_auto(iov_json_release) json_t *imports = NULL;
	/* Providers that come along may move the array that `before` points into. */
	iov_auto(iov_json_release) json_t *old_imports = before ? json_incref(before->imports) : NULL;
	iov_auto(iov_json_release) json_t *chosen = NULL;
	bool was_wished = before && before->wished;
	edit->touched |= before && wished && !was_wished;
	int rc = iov_params_resolve(ctx, manifest, settings, known, &params);
	if (!rc)
		rc = iov_imports_choose(ctx, edit->to, manifest, settings, old_imports, &chosen);
	if (!rc)
		rc = imports_of(edit, manifest, chosen, &imports);
	if (rc)
		return rc;
	struct iov_instance instance = {.name = (char *)alias,
					.module = (char *)module,
					.params = params,
					.imports = imports,
					.wished = wished || was_wished};
	return iov_generation_put_instance(ctx, edit->to, &instance);
}

int iov_instances_refresh(struct iov_edit *edit)
{
	for (size_t i = 0; i < edit->from->n_instances; i++) {
		const struct iov_instance *one = &edit->from->instances[i];
		if (!module_of(edit, one->module)) {
			iov_generation_drop_instance(edit->to, one->name);
			continue;
		}
		int rc = iov_instance_want(edit, one->module, one->name, (struct iov_settings){0}, one->wished);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

bool iov_instance_imports_from(const struct iov_instance *instance, const char *provider)
{
	const char *map;
	json_t *from;
	json_object_foreach(instance->imports, map, from)
		if (!strcmp(json_string_value(from), provider))
			return true;
	return false;
}

char *iov_instance_importers(const struct iov_generation *generation, const char *name)
{
	struct iov_buf names = {0};
	for (size_t i = 0; i < generation->n_instances; i++)
		if (iov_instance_imports_from(&generation->instances[i], name))
			iov_buf_printf(&names, "%s'%s'", names.len ? ", " : "", generation->instances[i].name);
	return names.len ? iov_buf_take(&names) : NULL;
}

static bool is_imported(const struct iov_generation *generation, const char *name)
{
	for (size_t i = 0; i < generation->n_instances; i++)
		if (iov_instance_imports_from(&generation->instances[i], name))
			return true;
	return false;
}

static bool is_depended_on(const struct iov_generation *generation, const char *name)
{
	for (size_t i = 0; i < generation->n_installed; i++)
		if (iov_manifest_dependency(generation->installed[i].release->manifest, name))
			return true;
	return false;
}

static bool has_instance(const struct iov_generation *generation, const char *module)
{
	for (size_t i = 0; i < generation->n_instances; i++)
		if (!strcmp(generation->instances[i].module, module))
			return true;
	return false;
}

/* One of the two, or neither: dropping one can make another needless, so the caller repeats. */
static bool drop_one_needless(struct iov_generation *to)
{
	for (size_t i = 0; i < to->n_instances; i++) {
		if (to->instances[i].wished || is_imported(to, to->instances[i].name))
			continue;
		iov_generation_drop_instance(to, to->instances[i].name);
		return true;
	}
	for (size_t i = 0; i < to->n_installed; i++) {
		const char *name = to->installed[i].release->manifest->name;
		if (to->installed[i].wished || is_depended_on(to, name) || has_instance(to, name))
			continue;
		iov_generation_drop_release(to, name);
		return true;
	}
	return false;
}

void iov_instances_tidy(struct iov_edit *edit)
{
	while (drop_one_needless(edit->to))
		;
}
