#include "check/check.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "core/health.h"
#include "core/node.h"
#include "core/persist.h"
#include "util/cleanup.h"
#include "util/libbpf.h"

struct agreement {
	struct iov_ctx *ctx;
	const struct iov_manifest *manifest;
	const struct iov_object *object;
	const char *path; /* of the object */
};

/* "module 'x': <what the manifest says> '<name>', but the object has none; it has: a, b". */
static int missing(const struct agreement *a, const char *says, const char *name, struct iov_buf *have)
{
	if (iov_buf_failed(have))
		return iov_oom(a->ctx);
	return iov_error(a->ctx, IOV_E_INPUT, "module '%s': %s '%s', but the object has none of that name; it has: %s",
			 a->manifest->name, says, name, have->len ? have->data : "none at all");
}

static void list_name(struct iov_buf *list, const char *name)
{
	iov_buf_printf(list, "%s%s", list->len ? ", " : "", name);
}

static int require_program(const struct agreement *a, const char *says, const char *name)
{
	if (iov_object_find_program(a->object, name))
		return IOV_OK;
	iov_auto(iov_buf_release) struct iov_buf have = {0};
	for (size_t i = 0; i < a->object->n_programs; i++)
		list_name(&have, a->object->programs[i].name);
	return missing(a, says, name, &have);
}

static int require_map(const struct agreement *a, const char *says, const char *name)
{
	if (iov_object_find_map(a->object, name))
		return IOV_OK;
	iov_auto(iov_buf_release) struct iov_buf have = {0};
	for (size_t i = 0; i < a->object->n_maps; i++)
		list_name(&have, a->object->maps[i].name);
	return missing(a, says, name, &have);
}

/* ---- what the parameters set ---- */

/* The layout of a global variable; NULL: none. All global variables are listed to `have`. */
static const json_t *find_variable(const struct iov_object *object, const char *name, struct iov_buf *have)
{
	for (size_t i = 0; i < object->n_maps; i++) {
		const json_t *section = json_object_get(object->maps[i].layout, "value");
		const char *kind = json_string_value(json_object_get(section, "kind"));
		const json_t *variable;
		size_t at;
		if (!kind || strcmp(kind, "section") != 0)
			continue;
		json_array_foreach(json_object_get(section, "members"), at, variable) {
			const char *found = json_string_value(json_object_get(variable, "name"));
			if (!strcmp(found, name))
				return json_object_get(variable, "type");
			list_name(have, found);
		}
	}
	return NULL;
}

/* What a variable may be, so that a parameter's value fits it. NULL-terminated lists of layouts; "[]" stands for an
 * array of char. */
static const struct {
	const char *word;
	const char *layouts[4];
} fitting[] = {
	[IOV_PARAM_STRING] = {"string", {"[]"}},     [IOV_PARAM_INTERFACE] = {"interface", {"[]", "u32", "s32"}},
	[IOV_PARAM_BOOL] = {"bool", {"bool", "u8"}}, [IOV_PARAM_U8] = {"u8", {"u8"}},
	[IOV_PARAM_U16] = {"u16", {"u16"}},	     [IOV_PARAM_U32] = {"u32", {"u32"}},
	[IOV_PARAM_U64] = {"u64", {"u64"}},	     [IOV_PARAM_I32] = {"i32", {"s32"}},
	[IOV_PARAM_I64] = {"i64", {"s64"}},
};

/* The layout as one word: "u32", "[]" for an array of char, otherwise its kind. */
static const char *layout_word(const json_t *layout)
{
	const char *of = json_string_value(json_object_get(layout, "of"));
	if (json_is_string(layout))
		return json_string_value(layout);
	return of && !strcmp(of, "char") ? "[]" : json_string_value(json_object_get(layout, "kind"));
}

static bool fits(enum iov_param_type type, const char *word)
{
	for (const char *const *layout = fitting[type].layouts; *layout; layout++)
		if (!strcmp(*layout, word))
			return true;
	return false;
}

static int check_variable(const struct agreement *a, const struct iov_param_spec *param)
{
	iov_auto(iov_buf_release) struct iov_buf have = {0};
	const json_t *layout = find_variable(a->object, param->sets_name, &have);
	if (!layout)
		return missing(a, "a parameter sets the variable", param->sets_name, &have);
	const char *word = layout_word(layout);
	if (fits(param->type, word))
		return IOV_OK;
	return iov_error(a->ctx, IOV_E_INPUT,
			 "module '%s': parameter '%s' is of type %s and sets the variable '%s', which is of type %s; "
			 "make them agree",
			 a->manifest->name, param->name, fitting[param->type].word, param->sets_name,
			 strcmp(word, "[]") ? word : "char array");
}

static int check_max_entries(const struct agreement *a, const struct iov_param_spec *param)
{
	if (!iov_manifest_import(a->manifest, param->sets_name))
		return require_map(a, "a parameter sets max_entries of the map", param->sets_name);
	return iov_error(a->ctx, IOV_E_INPUT,
			 "module '%s': parameter '%s' sets max_entries of the map '%s', which is imported; its size is "
			 "its provider's to set",
			 a->manifest->name, param->name, param->sets_name);
}

static int sets_nothing(const struct agreement *a, const struct iov_param_spec *param)
{
	(void)a;
	(void)param;
	return IOV_OK;
}

static int (*const param_checks[])(const struct agreement *a, const struct iov_param_spec *param) = {
	[IOV_SETS_NOTHING] = sets_nothing,
	[IOV_SETS_VARIABLE] = check_variable,
	[IOV_SETS_MAX_ENTRIES] = check_max_entries,
};

/* ---- the sections of the manifest ---- */

static int check_programs(const struct agreement *a)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < a->manifest->n_programs; i++)
		rc = require_program(a, "'programs' names the program", a->manifest->programs[i].name);
	return rc;
}

static int check_choose(const struct agreement *a)
{
	size_t i, k;
	int rc = IOV_OK;
	json_t *group, *name;
	json_array_foreach(json_object_get(a->manifest->json, "choose"), i, group) {
		json_array_foreach(group, k, name) {
			rc = rc ? rc : require_program(a, "'choose' names the program", json_string_value(name));
		}
	}
	return rc;
}

/* What belongs to one object alone, and why. An importer would run with another's constants in silence. */
static const char *why_not_shared(const struct agreement *a, const char *name)
{
	const struct iov_object_map *map = iov_object_find_map(a->object, name);
	if (iov_object_is_constants(name))
		return "constants belong to the object that was compiled with them; share a map or a variable in "
		       "SEC(\".data.NAME\")";
	if (map && !strcmp(map->type, "struct_ops"))
		return "a struct_ops map holds programs of its own object; take it out";
	return NULL;
}

static int refuse_unsharable(const struct agreement *a, const char *section, const char *map)
{
	const char *why = why_not_shared(a, map);
	if (!why)
		return IOV_OK;
	return iov_error(a->ctx, IOV_E_INPUT, "module '%s': 'maps.%s' names '%s', but %s", a->manifest->name, section,
			 map, why);
}

static int check_maps(const struct agreement *a)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < a->manifest->n_imports; i++)
		rc = refuse_unsharable(a, "imports", a->manifest->imports[i].map);
	for (size_t i = 0; !rc && i < a->manifest->n_exports; i++)
		rc = refuse_unsharable(a, "exports", a->manifest->exports[i].map);
	for (size_t i = 0; !rc && i < a->manifest->n_imports; i++)
		rc = require_map(a, "'maps.imports' names the map", a->manifest->imports[i].map);
	for (size_t i = 0; !rc && i < a->manifest->n_exports; i++)
		rc = require_map(a, "'maps.exports' names the map", a->manifest->exports[i].map);
	return rc;
}

static int check_params(const struct agreement *a)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < a->manifest->n_params; i++)
		rc = param_checks[a->manifest->params[i].sets](a, &a->manifest->params[i]);
	return rc;
}

static bool is_buffer(const struct iov_object_map *map)
{
	return !strcmp(map->type, "ringbuf") || !strcmp(map->type, "perf_event_array");
}

static int check_event(const struct agreement *a, const struct btf *btf, const struct iov_event_spec *event)
{
	int rc = require_map(a, "'events' names the buffer", event->buffer);
	if (rc)
		return rc;
	const struct iov_object_map *map = iov_object_find_map(a->object, event->buffer);
	if (!is_buffer(map))
		return iov_error(a->ctx, IOV_E_INPUT,
				 "module '%s': 'events' names '%s', which is a map of type %s; events come from a "
				 "ringbuf or perf_event_array",
				 a->manifest->name, event->buffer, map->type);
	const char *tag = strncmp(event->type, "struct ", 7) ? event->type : event->type + 7;
	if (btf && btf__find_by_name_kind(btf, tag, BTF_KIND_STRUCT) > 0)
		return IOV_OK;
	return iov_error(a->ctx, IOV_E_INPUT,
			 "module '%s': events of '%s' are said to be of type '%s', which the object's type information "
			 "(BTF) lacks; clang keeps a type there that a map holds or a __noinline function takes",
			 a->manifest->name, event->buffer, event->type);
}

/* ---- health and persist: what they name, at the place where it is written ---- */

/* The error that stands, at a node of the manifest as people wrote it. */
static int at_node(const struct agreement *a, const struct iov_node *node)
{
	iov_error_prefix(a->ctx, "module '%s'", a->manifest->name);
	return node ? iov_node_error_prefix(a->ctx, a->manifest->path, node) : (int)iov_error_code(a->ctx);
}

static const struct iov_node *nth(const struct iov_node *list, size_t index)
{
	const struct iov_node *node = list ? list->first : NULL;
	while (node && index--)
		node = node->next;
	return node;
}

static int check_health_of(const struct agreement *a, const struct iov_health_spec *spec, const struct iov_node *node)
{
	iov_auto(iov_health_value_release) struct iov_health_value value = {0};
	const char *key = "program";
	int rc = IOV_OK;
	if (spec->kind == IOV_HEALTH_PROGRAM && !iov_object_find_program(a->object, spec->name)) {
		iov_auto(iov_buf_release) struct iov_buf have = {0};
		for (size_t i = 0; i < a->object->n_programs; i++)
			list_name(&have, a->object->programs[i].name);
		rc = iov_error(a->ctx, IOV_E_INPUT, "the object has no program '%s'; it has: %s", spec->name,
			       have.data ? have.data : "none at all");
	} else if (spec->kind == IOV_HEALTH_MAP || spec->kind == IOV_HEALTH_VARIABLE) {
		rc = iov_health_resolve(a->ctx, a->object, spec, &value, &key);
	}
	return rc == IOV_E_INPUT ? at_node(a, iov_node_get(node, key)) : rc;
}

static int check_health(const struct agreement *a)
{
	const struct iov_node *list = iov_node_get(a->manifest->tree, "health");
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < a->manifest->n_health; i++)
		rc = check_health_of(a, &a->manifest->health[i], nth(list, i));
	return rc;
}

static int check_persist_of(const struct agreement *a, const char *name, const struct iov_node *node)
{
	const struct iov_object_map *map = iov_object_find_map(a->object, name);
	int rc = map ? iov_persist_check(a->ctx, map) : require_map(a, "'maps.persist' names the map", name);
	if (!rc || !node || rc != IOV_E_INPUT)
		return rc;
	return iov_node_error_prefix(a->ctx, a->manifest->path, node);
}

static int check_persist(const struct agreement *a)
{
	const struct iov_node *list = iov_node_get(iov_node_get(a->manifest->tree, "maps"), "persist");
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < a->manifest->n_persist; i++)
		rc = check_persist_of(a, a->manifest->persist[i], nth(list, i));
	return rc;
}

static void free_btf(struct btf **btf)
{
	btf__free(*btf);
}

static int check_events(const struct agreement *a)
{
	if (!a->manifest->n_events)
		return IOV_OK;
	iov_libbpf_quiet();
	iov_auto(free_btf) struct btf *btf = btf__parse_elf(a->path, NULL);
	if (!btf && errno != ENODATA)
		return iov_error_errno(a->ctx, errno, "cannot read the type information (BTF) of '%s'", a->path);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < a->manifest->n_events; i++)
		rc = check_event(a, btf, &a->manifest->events[i]);
	return rc;
}

/* What the kernel is told in the object, and a word that the SPDX expression of the manifest must then have. */
static const struct {
	const char *object, *words[2];
} licenses[] = {
	{"GPL", {"GPL"}},
	{"GPL v2", {"GPL"}},
	{"GPL and additional rights", {"GPL"}},
	{"Dual BSD/GPL", {"GPL", "BSD"}},
	{"Dual MIT/GPL", {"GPL", "MIT"}},
	{"Dual MPL/GPL", {"GPL", "MPL"}},
};

static bool license_fits(const char *manifest, const char *object)
{
	for (size_t i = 0; i < IOV_COUNT(licenses); i++)
		if (!strcmp(licenses[i].object, object))
			return strstr(manifest, licenses[i].words[0]) ||
			       (licenses[i].words[1] && strstr(manifest, licenses[i].words[1]));
	return strcasestr(manifest, object) != NULL;
}

static int check_license(const struct agreement *a)
{
	const char *object = a->object->license;
	if (!*object && !a->object->n_programs)
		return IOV_OK; /* nothing that the kernel asks a license of */
	if (*object && license_fits(a->manifest->license, object))
		return IOV_OK;
	return iov_error(a->ctx, IOV_E_INPUT,
			 "module '%s': the manifest says license '%s', the object says '%s'; make iov.yaml and "
			 "SEC(\"license\") agree",
			 a->manifest->name, a->manifest->license, object);
}

int iov_check_agreement(struct iov_ctx *ctx, const struct iov_manifest *manifest, const struct iov_object *object,
			const char *path)
{
	static int (*const checks[])(const struct agreement *) = {check_programs, check_choose, check_maps,
								  check_params,	  check_health, check_persist,
								  check_events,	  check_license};
	struct agreement agreement = {ctx, manifest, object, path};
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < IOV_COUNT(checks); i++)
		rc = checks[i](&agreement);
	return rc;
}
