#include "core/manifest_check.h"

#include <string.h>

#include "core/groups.h"
#include "core/manifest_health.h"
#include "util/nearest.h"
#include "util/cleanup.h"

struct check {
	struct iov_ctx *ctx;
	const char *path;
	const struct iov_node *tree;
	const struct iov_manifest *manifest;
};

/* The node below the root at these keys, which end at the first NULL. */
static const struct iov_node *at(const struct check *check, const char *a, const char *b, const char *c, const char *d)
{
	const char *const keys[] = {a, b, c, d};
	const struct iov_node *node = check->tree;
	for (size_t i = 0; i < IOV_COUNT(keys) && keys[i]; i++)
		node = iov_node_get(node, keys[i]);
	return node;
}

static bool is_dependency(const struct iov_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->n_dependencies; i++)
		if (!strcmp(manifest->dependencies[i].name, name))
			return true;
	return false;
}

static int check_dependencies(const struct check *check)
{
	const struct iov_manifest *manifest = check->manifest;
	if (!is_dependency(manifest, manifest->name))
		return IOV_OK;
	return iov_node_key_error(check->ctx, check->path, at(check, "dependencies", manifest->name, NULL, NULL),
				  "module '%s' depends on itself; remove this line", manifest->name);
}

static int check_imports(const struct check *check)
{
	for (size_t i = 0; i < check->manifest->n_imports; i++) {
		const struct iov_import_spec *import = &check->manifest->imports[i];
		if (!is_dependency(check->manifest, import->from))
			return iov_node_error(
				check->ctx, check->path, at(check, "maps", "imports", import->map, "from"),
				"map '%s' comes from '%s', which is not among the dependencies; add '%s' there",
				import->map, import->from, import->from);
		const struct iov_node *export = at(check, "maps", "exports", import->map, NULL);
		if (export)
			return iov_node_key_error(
				check->ctx, check->path, export,
				"map '%s' is imported, so it cannot be exported too; importers take it from '%s'",
				import->map, import->from);
	}
	return IOV_OK;
}

/* What an upgrade or a reboot does with a map is its provider's to say. */
static int check_own_maps(const struct check *check)
{
	const struct iov_node *upgrade = at(check, "maps", "upgrade", NULL, NULL),
			      *persist = at(check, "maps", "persist", NULL, NULL);
	for (const struct iov_node *map = upgrade ? upgrade->first : NULL; map; map = map->next)
		if (iov_manifest_import(check->manifest, map->key))
			return iov_node_key_error(check->ctx, check->path, map,
						  "map '%s' is imported; only its provider says how it is upgraded",
						  map->key);
	for (const struct iov_node *map = persist ? persist->first : NULL; map; map = map->next)
		if (iov_manifest_import(check->manifest, map->text))
			return iov_node_error(check->ctx, check->path, map,
					      "map '%s' is imported; only its provider can save it", map->text);
	return IOV_OK;
}

static int fail_param(const struct check *check, const struct iov_node *node)
{
	struct iov_nearest nearest;
	iov_nearest_init(&nearest, node->text + 1, strlen(node->text + 1));
	for (size_t i = 0; i < check->manifest->n_params; i++)
		iov_nearest_offer(&nearest, check->manifest->params[i].name);
	if (nearest.name)
		return iov_node_error(check->ctx, check->path, node, "'%s' is not a parameter; did you mean '$%s'?",
				      node->text, nearest.name);
	return iov_node_error(check->ctx, check->path, node, "'%s' is not a parameter; add '%s' under 'params'",
			      node->text, node->text + 1);
}

static int check_target(const struct check *check, const struct iov_program_spec *program)
{
	if (!program->target || *program->target != '$')
		return IOV_OK;
	const struct iov_node *node = at(check, "programs", program->name, "target", NULL);
	const struct iov_param_spec *param = iov_manifest_param(check->manifest, program->target + 1);
	if (!param)
		return fail_param(check, node);
	if (!param->required && !param->default_value)
		return iov_node_error(
			check->ctx, check->path, node,
			"parameter '%s' may be without a value here; make it required or give it a default",
			param->name);
	return IOV_OK;
}

static int check_order(const struct check *check, const struct iov_program_spec *program)
{
	const struct iov_node *order = at(check, "programs", program->name, "order", NULL);
	const struct iov_node *first = iov_node_get(order, "first"), *last = iov_node_get(order, "last");
	if (first && last && !strcmp(first->text, "true") && !strcmp(last->text, "true"))
		return iov_node_error(check->ctx, check->path, order,
				      "program '%s' cannot be both first and last; keep one", program->name);
	return IOV_OK;
}

static int check_programs(const struct check *check)
{
	for (size_t i = 0; i < check->manifest->n_programs; i++) {
		int err = check_target(check, &check->manifest->programs[i]);
		if (!err)
			err = check_order(check, &check->manifest->programs[i]);
		if (err)
			return err;
	}
	return IOV_OK;
}

static int check_default(const struct check *check, const struct iov_param_spec *param)
{
	if (!param->default_value)
		return IOV_OK;
	const struct iov_node *node = at(check, "params", param->name, "default", NULL);
	if (param->required)
		return iov_node_error(check->ctx, check->path, node,
				      "parameter '%s' is required, so its default is never used; remove one of the two",
				      param->name);
	iov_auto(iov_free_ptr) char *value = NULL;
	if (!iov_param_normalize(check->ctx, param, param->default_value, &value))
		return IOV_OK;
	iov_auto(iov_free_ptr) char *why = strdup(iov_error_text(check->ctx));
	if (!why)
		return iov_oom(check->ctx);
	return iov_node_error(check->ctx, check->path, node, "params.%s.default: %s", param->name, why);
}

static bool can_size_a_map(enum iov_param_type type)
{
	return type == IOV_PARAM_U8 || type == IOV_PARAM_U16 || type == IOV_PARAM_U32;
}

static int check_sets(const struct check *check, const struct iov_param_spec *param)
{
	const struct iov_node *node = at(check, "params", param->name, "sets", NULL);
	if (param->sets == IOV_SETS_MAX_ENTRIES && !can_size_a_map(param->type))
		return iov_node_error(check->ctx, check->path, node,
				      "parameter '%s' sets max_entries, so its type must be u32", param->name);
	for (const struct iov_param_spec *other = check->manifest->params; param->sets && other < param; other++)
		if (other->sets == param->sets && !strcmp(other->sets_name, param->sets_name))
			return iov_node_error(check->ctx, check->path, node,
					      "parameters '%s' and '%s' set the same thing; keep one", other->name,
					      param->name);
	return IOV_OK;
}

static int check_params(const struct check *check)
{
	for (size_t i = 0; i < check->manifest->n_params; i++) {
		int err = check_default(check, &check->manifest->params[i]);
		if (!err)
			err = check_sets(check, &check->manifest->params[i]);
		if (err)
			return err;
	}
	return IOV_OK;
}

/* ---- choose ---- */

/* A program of one group: it stands nowhere else, and the group is used whole. */
static int check_member(const struct check *check, const struct iov_node *member, unsigned group)
{
	const struct iov_program_spec *spec = iov_manifest_program(check->manifest, member->text);
	if (iov_group_of(check->manifest, member->text) != group)
		return iov_node_error(check->ctx, check->path, member,
				      "program '%s' stands in two groups of 'choose'; keep it in one, or in none if it "
				      "is always loaded",
				      member->text);
	if (!spec || !spec->optional)
		return IOV_OK;
	return iov_node_key_error(check->ctx, check->path, at(check, "programs", member->text, "optional", NULL),
				  "program '%s' is in a group of 'choose', which is used whole or not at all; remove "
				  "this, or take it out of the group",
				  member->text);
}

static int check_choose(const struct check *check)
{
	const struct iov_node *list = at(check, "choose", NULL, NULL, NULL);
	unsigned number = 0;
	int rc = IOV_OK;
	if (list && list->n_items > IOV_GROUPS_MAX)
		return iov_node_error(check->ctx, check->path, list, "%zu groups are too many; %d are the most",
				      list->n_items, IOV_GROUPS_MAX);
	for (const struct iov_node *group = list ? list->first : NULL; group && !rc; group = group->next) {
		number++;
		for (const struct iov_node *member = group->first; member && !rc; member = member->next)
			rc = check_member(check, member, number);
	}
	return rc;
}

/* ---- health ---- */

/* The group of the program that this check is of; 0: none. */
static unsigned group_of_check(const struct check *check, const struct iov_health_spec *spec)
{
	return spec->kind == IOV_HEALTH_PROGRAM ? iov_group_of(check->manifest, spec->name) : 0;
}

/* Whichever group is chosen, the same is asked of it. */
static int check_health_of_groups(const struct check *check)
{
	const struct iov_manifest *manifest = check->manifest;
	const struct iov_node *node = at(check, "health", NULL, NULL, NULL), *asking = NULL;
	bool asked[IOV_GROUPS_MAX + 1] = {false};
	node = node ? node->first : NULL;
	for (size_t i = 0; i < manifest->n_health && node; i++, node = node->next) {
		unsigned group = group_of_check(check, &manifest->health[i]);
		asked[group] = true;
		if (group && !asking)
			asking = node;
	}
	for (unsigned group = 1; asking && group <= iov_groups_count(manifest); group++) {
		iov_auto(iov_free_ptr) char *text = asked[group] ? NULL : iov_group_text(manifest, group);
		if (text)
			return iov_node_error(check->ctx, check->path, asking,
					      "this check is of a program in 'choose', and the group with %s has none; "
					      "give each group one",
					      text);
	}
	return IOV_OK;
}

static int check_health(const struct check *check)
{
	return iov_manifest_check_health(check->ctx, check->path, at(check, "health", NULL, NULL, NULL),
					 check->manifest);
}

int iov_manifest_check(struct iov_ctx *ctx, const char *path, const struct iov_node *tree,
		       const struct iov_manifest *manifest)
{
	static int (*const checks[])(const struct check *check) = {
		check_dependencies, check_imports, check_own_maps, check_programs,
		check_params,	    check_choose,  check_health,   check_health_of_groups,
	};
	const struct check check = {.ctx = ctx, .path = path, .tree = tree, .manifest = manifest};
	int err = IOV_OK;
	for (size_t i = 0; !err && i < IOV_COUNT(checks); i++)
		err = checks[i](&check);
	return err;
}
