#include "core/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/manifest_check.h"
#include "core/manifest_health.h"
#include "core/manifest_schema.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* Fills one row of an array from one member of a checked object; the schema has seen to kinds and formats. */
typedef int fill_fn(struct iov_ctx *ctx, const char *key, const json_t *value, void *row);

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int fill_dependency(struct iov_ctx *ctx, const char *key, const json_t *value, void *row)
{
	struct iov_dependency *dependency = row;
	dependency->name = key;
	return iov_requirement_parse(ctx, json_string_value(value), &dependency->requirement);
}

static int fill_program(struct iov_ctx *ctx, const char *key, const json_t *value, void *row)
{
	(void)ctx;
	*(struct iov_program_spec *)row = (struct iov_program_spec){
		.name = key, .target = text_of(value, "target"), .optional = is_true(value, "optional")};
	return IOV_OK;
}

static enum iov_access access_of(const json_t *value)
{
	return strcmp(text_of(value, "access"), "write") ? IOV_READ : IOV_WRITE;
}

static int fill_import(struct iov_ctx *ctx, const char *key, const json_t *value, void *row)
{
	(void)ctx;
	const char *source = text_of(value, "map");
	*(struct iov_import_spec *)row = (struct iov_import_spec){.map = key,
								  .from = text_of(value, "from"),
								  .source = source ? source : key,
								  .access = access_of(value)};
	return IOV_OK;
}

static int fill_export(struct iov_ctx *ctx, const char *key, const json_t *value, void *row)
{
	(void)ctx;
	*(struct iov_export_spec *)row = (struct iov_export_spec){.map = key, .access = access_of(value)};
	return IOV_OK;
}

static int fill_event(struct iov_ctx *ctx, const char *key, const json_t *value, void *row)
{
	(void)ctx;
	*(struct iov_event_spec *)row = (struct iov_event_spec){.buffer = key, .type = text_of(value, "type")};
	return IOV_OK;
}

static const struct {
	const char *text;
	enum iov_param_type type;
} param_types[] = {
	{"string", IOV_PARAM_STRING}, {"interface", IOV_PARAM_INTERFACE},
	{"bool", IOV_PARAM_BOOL},     {"u8", IOV_PARAM_U8},
	{"u16", IOV_PARAM_U16},	      {"u32", IOV_PARAM_U32},
	{"u64", IOV_PARAM_U64},	      {"i32", IOV_PARAM_I32},
	{"i64", IOV_PARAM_I64},
};

static const struct {
	const char *prefix;
	enum iov_param_sets sets;
} param_sets[] = {
	{"variable ", IOV_SETS_VARIABLE},
	{"max_entries ", IOV_SETS_MAX_ENTRIES},
};

static int fill_param(struct iov_ctx *ctx, const char *key, const json_t *value, void *row)
{
	(void)ctx;
	struct iov_param_spec *param = row;
	*param = (struct iov_param_spec){.name = key,
					 .required = is_true(value, "required"),
					 .default_value = text_of(value, "default"),
					 .summary = text_of(value, "summary")};
	for (size_t i = 0; i < IOV_COUNT(param_types); i++)
		if (!strcmp(text_of(value, "type"), param_types[i].text))
			param->type = param_types[i].type;
	const char *sets = text_of(value, "sets");
	for (size_t i = 0; sets && i < IOV_COUNT(param_sets); i++) {
		size_t len = strlen(param_sets[i].prefix);
		if (!strncmp(sets, param_sets[i].prefix, len)) {
			param->sets = param_sets[i].sets;
			param->sets_name = sets + len;
		}
	}
	return IOV_OK;
}

/* Every row starts with its name. */
static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int fill(struct iov_ctx *ctx, const json_t *object, fill_fn *fill_row, size_t size, void *ret_rows,
		size_t *ret_count)
{
	size_t count = json_object_size(object);
	char *rows = calloc(count ? count : 1, size);
	if (!rows)
		return iov_oom(ctx);
	*(void **)ret_rows = rows;
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)object, key, value) {
		int err = fill_row(ctx, key, value, rows + *ret_count * size);
		if (err)
			return err;
		(*ret_count)++;
	}
	qsort(rows, count, size, by_name);
	return IOV_OK;
}

static int fill_sources(struct iov_ctx *ctx, struct iov_manifest *manifest)
{
	const json_t *sources = json_object_get(json_object_get(manifest->json, "build"), "sources");
	manifest->sources = calloc(json_array_size(sources), sizeof(*manifest->sources));
	if (!manifest->sources)
		return iov_oom(ctx);
	for (size_t i = 0; i < json_array_size(sources); i++)
		manifest->sources[manifest->n_sources++] = json_string_value(json_array_get(sources, i));
	return IOV_OK;
}

static int fill_persist(struct iov_ctx *ctx, struct iov_manifest *manifest)
{
	const json_t *maps = json_object_get(json_object_get(manifest->json, "maps"), "persist");
	manifest->persist = calloc(json_array_size(maps) + 1, sizeof(*manifest->persist));
	if (!manifest->persist)
		return iov_oom(ctx);
	for (size_t i = 0; i < json_array_size(maps); i++)
		manifest->persist[manifest->n_persist++] = json_string_value(json_array_get(maps, i));
	return IOV_OK;
}

static int fill_manifest(struct iov_ctx *ctx, struct iov_manifest *manifest)
{
	const json_t *json = manifest->json, *maps = json_object_get(json, "maps");
	manifest->name = text_of(json, "name");
	manifest->summary = text_of(json, "summary");
	manifest->license = text_of(json, "license");
	const struct {
		const json_t *object;
		fill_fn *fill_row;
		size_t size;
		void *rows;
		size_t *count;
	} parts[] = {
		{json_object_get(json, "dependencies"), fill_dependency, sizeof(*manifest->dependencies),
		 &manifest->dependencies, &manifest->n_dependencies},
		{json_object_get(json, "programs"), fill_program, sizeof(*manifest->programs), &manifest->programs,
		 &manifest->n_programs},
		{json_object_get(maps, "imports"), fill_import, sizeof(*manifest->imports), &manifest->imports,
		 &manifest->n_imports},
		{json_object_get(maps, "exports"), fill_export, sizeof(*manifest->exports), &manifest->exports,
		 &manifest->n_exports},
		{json_object_get(json, "params"), fill_param, sizeof(*manifest->params), &manifest->params,
		 &manifest->n_params},
		{json_object_get(json, "events"), fill_event, sizeof(*manifest->events), &manifest->events,
		 &manifest->n_events},
	};
	int err = iov_version_parse(ctx, text_of(json, "version"), &manifest->version);
	if (!err)
		err = fill_sources(ctx, manifest);
	if (!err)
		err = fill_persist(ctx, manifest);
	if (!err)
		err = iov_manifest_fill_health(ctx, manifest);
	for (size_t i = 0; !err && i < IOV_COUNT(parts); i++)
		err = fill(ctx, parts[i].object, parts[i].fill_row, parts[i].size, parts[i].rows, parts[i].count);
	return err;
}

static void release(struct iov_manifest **manifest)
{
	iov_manifest_free(*manifest);
}

/* Where both ways meet: the tree is checked, turned into JSON, and the struct is filled from that. */
static int from_tree(struct iov_ctx *ctx, const char *path, const struct iov_node *tree, struct iov_manifest **ret)
{
	iov_auto(release) struct iov_manifest *manifest = calloc(1, sizeof(*manifest));
	if (!manifest)
		return iov_oom(ctx);
	int err = iov_schema_convert(ctx, path, &iov_manifest_schema, tree, &manifest->json);
	if (!err)
		err = fill_manifest(ctx, manifest);
	if (!err)
		err = iov_manifest_check(ctx, path, tree, manifest);
	if (!err)
		*ret = iov_take(manifest);
	return err;
}

int iov_manifest_parse_yaml(struct iov_ctx *ctx, const char *path, const char *text, size_t len,
			    struct iov_manifest **ret)
{
	iov_auto(iov_node_release) struct iov_node *tree = NULL;
	int err = iov_node_parse_yaml(ctx, path, text, len, IOV_MANIFEST_MAX, &tree);
	iov_auto(release) struct iov_manifest *manifest = NULL;
	if (!err)
		err = from_tree(ctx, path, tree, &manifest);
	if (err || !manifest)
		return err;
	manifest->path = strdup(path);
	if (!manifest->path)
		return iov_oom(ctx);
	manifest->tree = iov_take(tree);
	*ret = iov_take(manifest);
	return IOV_OK;
}

int iov_manifest_read(struct iov_ctx *ctx, const char *dir, struct iov_manifest **ret)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *path = NULL;
	if (asprintf(&path, "%s/" IOV_MANIFEST_FILE, dir) < 0)
		return iov_oom(ctx);
	int err = iov_fs_read(path, IOV_MANIFEST_MAX, &text);
	if (err == -ENOENT || err == -ENOTDIR)
		return iov_error(ctx, IOV_E_NOT_FOUND, "'%s' is missing; name the folder of a module", path);
	if (err == -EFBIG)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is larger than a manifest may be, %d KiB", path,
				 IOV_MANIFEST_MAX / 1024);
	if (err)
		return iov_error_errno(ctx, err, "cannot read '%s'", path);
	return iov_manifest_parse_yaml(ctx, path, text.data ? text.data : "", text.len, ret);
}

int iov_manifest_from_json(struct iov_ctx *ctx, json_t *json, struct iov_manifest **ret)
{
	iov_auto(iov_node_release) struct iov_node *tree = NULL;
	int err = iov_node_from_json(ctx, "manifest", json, &tree);
	return err ? err : from_tree(ctx, "manifest", tree, ret);
}

static int fill_brief(struct iov_ctx *ctx, struct iov_manifest *manifest)
{
	json_t *dependencies = NULL;
	const char *version = NULL;
	int err = iov_json_get_string(ctx, "brief", manifest->json, "name", &manifest->name);
	if (!err)
		err = iov_json_get_string(ctx, "brief", manifest->json, "version", &version);
	if (!err)
		err = iov_version_parse(ctx, version, &manifest->version);
	if (!err)
		err = iov_json_opt_object(ctx, "brief", manifest->json, "dependencies", &dependencies);
	return err ? err
		   : fill(ctx, dependencies, fill_dependency, sizeof(*manifest->dependencies), &manifest->dependencies,
			  &manifest->n_dependencies);
}

int iov_manifest_brief(struct iov_ctx *ctx, json_t *json, struct iov_manifest **ret)
{
	iov_auto(release) struct iov_manifest *manifest = calloc(1, sizeof(*manifest));
	if (!manifest)
		return iov_oom(ctx);
	manifest->json = json_incref(json);
	int err = fill_brief(ctx, manifest);
	if (!err)
		*ret = iov_take(manifest);
	return err;
}

void iov_manifest_free(struct iov_manifest *manifest)
{
	if (!manifest)
		return;
	for (size_t i = 0; i < manifest->n_dependencies; i++)
		iov_requirement_free(manifest->dependencies[i].requirement);
	free(manifest->dependencies);
	free(manifest->sources);
	free(manifest->programs);
	free(manifest->imports);
	free(manifest->exports);
	free(manifest->params);
	free(manifest->events);
	free(manifest->health);
	free(manifest->persist);
	free(manifest->path);
	iov_node_free(manifest->tree);
	json_decref(manifest->json);
	free(manifest);
}

static const void *find(const char *name, const void *rows, size_t count, size_t size)
{
	return count ? bsearch(&name, rows, count, size, by_name) : NULL;
}

const struct iov_dependency *iov_manifest_dependency(const struct iov_manifest *manifest, const char *module)
{
	for (size_t i = 0; i < manifest->n_dependencies; i++)
		if (!strcmp(manifest->dependencies[i].name, module))
			return &manifest->dependencies[i];
	return NULL;
}

const struct iov_program_spec *iov_manifest_program(const struct iov_manifest *manifest, const char *name)
{
	return find(name, manifest->programs, manifest->n_programs, sizeof(*manifest->programs));
}

const struct iov_import_spec *iov_manifest_import(const struct iov_manifest *manifest, const char *map)
{
	return find(map, manifest->imports, manifest->n_imports, sizeof(*manifest->imports));
}

const struct iov_param_spec *iov_manifest_param(const struct iov_manifest *manifest, const char *name)
{
	return find(name, manifest->params, manifest->n_params, sizeof(*manifest->params));
}

const char *iov_manifest_unsupported(const struct iov_manifest *manifest)
{
	const json_t *json = manifest->json;
	const char *name;
	json_t *program;
	json_object_foreach(json_object_get(json, "programs"), name, program) {
		if (json_object_size(json_object_get(program, "order")))
			return "programs.*.order";
	}
	return NULL;
}

json_t *iov_manifest_json_schema(void)
{
	return iov_schema_describe(&iov_manifest_schema, IOV_MANIFEST_FILE);
}
