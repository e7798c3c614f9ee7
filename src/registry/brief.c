#include "registry/brief.h"

#include <stdio.h>
#include <string.h>

#include "core/brief.h"
#include "core/kept.h"
#include "util/cleanup.h"

#define MAGIC "iovbriefs1"
#define FILE_MAX (4u << 20) /* bytes: about 20,000 releases, more than a host asks about */

static char *kept_path(const struct iov_registry *registry)
{
	char *path = NULL;
	return asprintf(&path, "%s/briefs", registry->trust->folder) < 0 ? NULL : path;
}

/* ---- what earlier commands have read ---- */

static bool text_is(const json_t *kept, const char *key, const char *text)
{
	const char *value = json_string_value(json_object_get(kept, key));
	return value && !strcmp(value, text);
}

static bool is_current(const struct iov_trust *trust, const json_t *kept)
{
	return text_is(kept, "iovpkg", IOV_VERSION) && text_is(kept, "manifest", trust->head.manifest) &&
	       (uint64_t)json_integer_value(json_object_get(kept, "root")) == iov_trust_root(trust)->version;
}

/* Both forms of an answer are the newest first. */
static int take_answer(struct iov_ctx *ctx, const struct iov_registry *registry, const char *name, const json_t *list,
		       struct iov_answer *ret)
{
	size_t i;
	json_t *one;
	int rc = IOV_OK;
	ret->name = strdup(name);
	ret->index.releases = calloc(json_array_size(list) + 1, sizeof(struct iov_release *));
	if (!ret->name || !ret->index.releases)
		return iov_oom(ctx);
	json_array_foreach(list, i, one) {
		struct iov_release *brief = NULL;
		rc = rc ? rc : iov_brief_from_json(ctx, one, &brief);
		if (!brief)
			continue;
		ret->index.releases[ret->index.count++] = brief;
		brief->registry = strdup(registry->trust->name);
		rc = brief->registry ? rc : iov_oom(ctx);
	}
	return rc;
}

static int take_all(struct iov_ctx *ctx, struct iov_registry *registry, const json_t *modules)
{
	const char *name;
	json_t *list;
	int rc = IOV_OK;
	registry->briefs = calloc(json_object_size(modules) + 1, sizeof(*registry->briefs));
	if (!registry->briefs)
		return iov_oom(ctx);
	json_object_foreach((json_t *)modules, name, list) {
		rc = rc ? rc : take_answer(ctx, registry, name, list, &registry->briefs[registry->n_briefs++]);
	}
	return rc;
}

/* What cannot be read is asked for anew. */
static void read_kept(struct iov_ctx *ctx, struct iov_registry *registry)
{
	iov_auto(iov_free_ptr) char *path = kept_path(registry);
	iov_auto(iov_json_release) json_t *kept = path ? iov_kept_read(path, MAGIC, FILE_MAX) : NULL;
	registry->has_briefs = true;
	if (!is_current(registry->trust, kept))
		return;
	struct iov_saved_error saved = iov_error_save(ctx);
	if (take_all(ctx, registry, json_object_get(kept, "modules")))
		registry->n_briefs = 0;
	iov_error_restore(ctx, saved);
}

/* ---- answering ---- */

static const struct iov_answer *find(const struct iov_answer *answers, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (answers[i].name && !strcmp(answers[i].name, name))
			return &answers[i];
	return NULL;
}

const struct iov_answer *iov_registry_known(struct iov_ctx *ctx, struct iov_registry *registry, const char *name)
{
	const struct iov_answer *known = find(registry->answers, registry->n_answers, name);
	if (known)
		return known;
	if (!registry->has_briefs)
		read_kept(ctx, registry);
	return find(registry->briefs, registry->n_briefs, name);
}

int iov_registry_brief(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
		       const struct iov_answer **ret)
{
	int rc = iov_registry_check_fresh(ctx, registry);
	*ret = rc ? NULL : iov_registry_known(ctx, registry, name);
	return rc || *ret ? rc : iov_registry_answer(ctx, registry, name, ret);
}

/* ---- keeping ---- */

static void add_all(json_t *modules, const struct iov_answer *answers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_t *list = answers[i].name ? json_array() : NULL;
		for (size_t j = 0; list && j < answers[i].index.count; j++)
			json_array_append_new(list, iov_brief_of(answers[i].index.releases[j]));
		if (list)
			json_object_set_new(modules, answers[i].name, list);
	}
}

static bool has_news(const struct iov_registry *registry)
{
	for (size_t i = 0; i < registry->n_answers; i++)
		if (registry->answers[i].name && !find(registry->briefs, registry->n_briefs, registry->answers[i].name))
			return true;
	return false;
}

void iov_registry_keep_briefs(const struct iov_registry *registry)
{
	if (!has_news(registry))
		return;
	const struct iov_trust *trust = registry->trust;
	iov_auto(iov_free_ptr) char *path = kept_path(registry);
	iov_auto(iov_json_release) json_t *kept =
		json_pack("{s:s, s:s, s:{}, s:I}", "iovpkg", IOV_VERSION, "manifest", trust->head.manifest, "modules",
			  "root", (json_int_t)iov_trust_root(trust)->version);
	if (!path || !kept)
		return;
	add_all(json_object_get(kept, "modules"), registry->briefs, registry->n_briefs);
	add_all(json_object_get(kept, "modules"), registry->answers, registry->n_answers);
	iov_kept_write(path, MAGIC, kept);
}
