#include "ops/obtain.h"

#include <string.h>

#include "engine/btf_cache.h"
#include "fetch/fetch.h"
#include "ops/registries.h"
#include "resolve/resolve.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* What the resolver asks, answered from the registries and from what is installed. */
struct source {
	struct iov_registries *registries;
	const struct iov_generation *installed;
	struct iov_release **single; /* installed releases as lists of one, by position in the generation */
};

/* The installed release alone: its registry is gone, or no longer lists the module. It stays what it is. */
static void only_installed(struct source *source, const struct iov_installed *installed,
			   struct iov_release *const **ret, size_t *ret_count)
{
	size_t at = (size_t)(installed - source->installed->installed);
	source->single[at] = installed->release;
	*ret = &source->single[at];
	*ret_count = 1;
}

/* What is installed goes on coming from where it came from, whoever else offers a module of that name by now. */
static int releases_of(struct iov_ctx *ctx, const char *name, struct iov_release *const **ret, size_t *ret_count,
		       void *data)
{
	struct source *source = data;
	const struct iov_installed *installed = iov_generation_installed(source->installed, name);
	int rc = IOV_OK;
	if (installed && installed->release->registry)
		rc = iov_registries_choose(ctx, source->registries, name, installed->release->registry);
	if (!rc)
		rc = iov_registries_releases(ctx, source->registries, name, ret, ret_count);
	if (installed && (rc == IOV_E_NOT_FOUND || (!rc && !*ret_count))) {
		only_installed(source, installed, ret, ret_count);
		return IOV_OK;
	}
	return rc;
}

/* For "did you mean": lines "registry name". Without them the refusal is as good, but for the hint. */
static void offer_names(struct iov_ctx *ctx, void (*offer)(const char *name, void *to), void *to, void *data)
{
	const struct source *source = data;
	char **lines = NULL;
	size_t count = 0;
	if (iov_registries_names(ctx, source->registries, &lines, &count))
		return;
	for (size_t i = 0; i < count; i++)
		offer(strchr(lines[i], ' ') ? strchr(lines[i], ' ') + 1 : lines[i], to);
	iov_fs_names_free(lines, count);
}

static const struct iov_wished *find_wish(const struct iov_wished_list *wishes, const char *name)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (!strcmp(wishes->items[i].name, name))
			return &wishes->items[i];
	return NULL;
}

/* Older wishes count on, unless the same module is wished anew with another requirement. */
struct wish_set {
	struct iov_wish *items;
	struct iov_requirement **owned; /* those parsed from the generation */
	size_t count;
};

static void wish_set_release(struct wish_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		iov_requirement_free(set->owned[i]);
	free(set->items);
	free(set->owned);
}

static int add_old_wish(struct iov_ctx *ctx, const struct iov_installed *installed, struct wish_set *set)
{
	struct iov_requirement *requirement = NULL;
	int rc = iov_requirement_parse(ctx, installed->requirement, &requirement);
	if (rc)
		return rc;
	set->owned[set->count] = requirement;
	set->items[set->count++] = (struct iov_wish){
		.name = installed->release->manifest->name, .requirement = requirement, .why = "it is installed"};
	return IOV_OK;
}

static int collect_wishes(struct iov_edit *edit, const struct iov_wished_list *wishes, struct wish_set *set)
{
	size_t most = wishes->count + edit->from->n_installed + 1;
	set->items = calloc(most, sizeof(*set->items));
	set->owned = calloc(most, sizeof(*set->owned));
	if (!set->items || !set->owned)
		return iov_oom(edit->ctx);
	for (size_t i = 0; i < edit->from->n_installed; i++) {
		const struct iov_installed *one = &edit->from->installed[i];
		const struct iov_wished *again = find_wish(wishes, one->release->manifest->name);
		if (!one->wished || (again && again->requirement))
			continue;
		int rc = add_old_wish(edit->ctx, one, set);
		if (rc)
			return rc;
	}
	for (size_t i = 0; i < wishes->count; i++)
		set->items[set->count++] = (struct iov_wish){.name = wishes->items[i].name,
							     .requirement = wishes->items[i].requirement,
							     .why = "you asked for it"};
	return IOV_OK;
}

/* From the registry into the store: fetched, checked, unpacked; only what is missing. */
static int bring(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *release)
{
	if (iov_store_has(ctx, release->sha256))
		return IOV_OK;
	iov_auto(iov_free_ptr) char *archive = NULL;
	int rc = iov_fetch_archive(ctx, registries, release, &archive);
	return rc ? rc : iov_store_add(ctx, release, archive);
}

/* Our own copy of a release: as the store has it, or, in a dry run, as the index has it. */
static int own_copy(struct iov_edit *edit, const struct iov_release *chosen, struct iov_release **ret)
{
	iov_auto(iov_free_ptr) char *registry = chosen->registry ? strdup(chosen->registry) : NULL;
	struct iov_release *release = NULL;
	int rc = edit->flags & IOV_DRY_RUN ? iov_release_from_json(edit->ctx, chosen->json, &release)
					   : iov_store_release(edit->ctx, chosen->sha256, &release);
	if (rc)
		return rc;
	free(release->registry);
	release->registry = iov_take(registry);
	*ret = release;
	return IOV_OK;
}

/* A key that iov cannot honour yet must not be passed over in silence. */
static int refuse_unsupported(struct iov_ctx *ctx, const struct iov_release *release)
{
	const char *key = iov_manifest_unsupported(release->manifest);
	if (!key)
		return IOV_OK;
	return iov_error(
		ctx, IOV_E_UNSUPPORTED,
		"module '%s' %s asks for '%s' in its manifest, which this iovpkg cannot do; use a newer iovpkg",
		release->manifest->name, release->manifest->version.text, key);
}

static int take_release(struct iov_edit *edit, struct iov_registries *registries, const struct iov_release *chosen)
{
	struct iov_ctx *ctx = edit->ctx;
	const char *name = chosen->manifest->name;
	const struct iov_installed *installed = iov_generation_installed(edit->to, name);
	if (installed && !strcmp(installed->release->sha256, chosen->sha256))
		return IOV_OK;
	char object[IOV_HEX_SIZE] = "";
	int rc = refuse_unsupported(ctx, chosen);
	if (!rc && !(edit->flags & IOV_DRY_RUN)) {
		rc = bring(ctx, registries, chosen);
		if (!rc)
			rc = iov_store_object(ctx, chosen, object);
	}
	struct iov_release *release = NULL;
	if (!rc)
		rc = own_copy(edit, chosen, &release);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *requirement =
		installed && installed->wished ? strdup(installed->requirement) : NULL;
	return iov_generation_put_release(ctx, edit->to, release, object, requirement);
}

static int warm_up_one(struct iov_ctx *ctx, const struct iov_release *release, const char *object)
{
	iov_auto(iov_btf_targets_release) struct iov_btf_targets targets = {0};
	int rc = iov_btf_targets_of(ctx, release, NULL, &targets);
	if (rc)
		return rc;
	iov_auto(iov_close_fd) int types = iov_btf_cache_open(ctx, object, &targets);
	(void)types; /* kept on disk; here nobody reads it */
	return IOV_OK;
}

/* The kernel's types that a new object needs are cut out now, so that its first load is as fast as the next. */
static int warm_up(struct iov_edit *edit)
{
	for (size_t i = 0; !(edit->flags & IOV_DRY_RUN) && i < edit->to->n_installed; i++) {
		const struct iov_installed *one = &edit->to->installed[i];
		const struct iov_installed *was = iov_generation_installed(edit->from, one->release->manifest->name);
		if (was && !strcmp(was->release->sha256, one->release->sha256))
			continue;
		iov_auto(iov_free_ptr) char *object = iov_store_object_path(edit->ctx, one);
		if (!object)
			return iov_oom(edit->ctx);
		int rc = warm_up_one(edit->ctx, one->release, object);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

/* Records what the user asked for by name, with the requirement he gave. */
static int mark_wishes(struct iov_edit *edit, const struct iov_wished_list *wishes)
{
	for (size_t i = 0; i < wishes->count; i++) {
		const struct iov_wished *wish = &wishes->items[i];
		struct iov_installed *installed = iov_generation_installed(edit->to, wish->name);
		if (!installed || (installed->wished && !wish->text))
			continue;
		const char *text = wish->text ? wish->text : "*";
		if (installed->wished && !strcmp(installed->requirement, text))
			continue;
		char *copy = strdup(text);
		if (!copy)
			return iov_oom(edit->ctx);
		free(installed->requirement);
		installed->requirement = copy;
		installed->wished = true;
		edit->touched = true;
	}
	return IOV_OK;
}

/* Names whose lock does not count in this resolution. */
static const char **unlocked(const struct iov_edit *edit, const struct iov_obtain *request, size_t *ret_count)
{
	const struct iov_generation *from = edit->from;
	const char **names = calloc(from->n_installed + request->wishes->count + 1, sizeof(*names));
	size_t count = 0;
	for (size_t i = 0; names && request->unlock_all && i < from->n_installed; i++)
		names[count++] = from->installed[i].release->manifest->name;
	for (size_t i = 0; names && request->unlock_wishes && i < request->wishes->count; i++)
		names[count++] = request->wishes->items[i].name;
	*ret_count = count;
	return names;
}

static int resolve(struct iov_edit *edit, const struct iov_obtain *request, struct source *source,
		   const struct iov_release ***ret, size_t *ret_count)
{
	iov_auto(wish_set_release) struct wish_set set = {0};
	int rc = collect_wishes(edit, request->wishes, &set);
	if (rc)
		return rc;
	size_t n_unlock = 0;
	iov_auto(iov_free_ptr) const char **unlock = unlocked(edit, request, &n_unlock);
	if (!unlock)
		return iov_oom(edit->ctx);
	struct iov_provider provider = {.releases = releases_of, .names = offer_names, .data = source};
	struct iov_resolve_request question = {.wishes = set.items,
					       .n_wishes = set.count,
					       .locked = edit->from,
					       .unlock = unlock,
					       .n_unlock = n_unlock};
	return iov_resolve(edit->ctx, &question, &provider, ret, ret_count);
}

static bool is_chosen(const struct iov_release *const *chosen, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(chosen[i]->manifest->name, name))
			return true;
	return false;
}

/* Dependencies that the new choice does not need any more go. */
static void drop_unchosen(struct iov_edit *edit, const struct iov_release *const *chosen, size_t count)
{
	for (size_t i = edit->to->n_installed; i-- > 0;) {
		const char *name = edit->to->installed[i].release->manifest->name;
		if (!is_chosen(chosen, count, name))
			iov_generation_drop_release(edit->to, name);
	}
}

int iov_obtain(struct iov_edit *edit, const struct iov_obtain *request)
{
	struct iov_ctx *ctx = edit->ctx;
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	int rc = iov_registries_open_updated(ctx, &registries);
	for (size_t i = 0; !rc && i < request->wishes->count; i++)
		if (!iov_generation_installed(edit->from, request->wishes->items[i].name))
			rc = iov_registries_need_one(ctx, registries, request->wishes->items[i].name);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) struct iov_release **single = calloc(edit->from->n_installed + 1, sizeof(*single));
	if (!single)
		return iov_oom(ctx);
	struct source source = {.registries = registries, .installed = edit->from, .single = single};
	iov_auto(iov_free_ptr) const struct iov_release **chosen = NULL;
	size_t count = 0;
	rc = resolve(edit, request, &source, &chosen, &count);
	for (size_t i = 0; !rc && i < count; i++)
		rc = take_release(edit, registries, chosen[i]);
	if (rc)
		return rc;
	drop_unchosen(edit, chosen, count);
	rc = warm_up(edit);
	return rc ? rc : mark_wishes(edit, request->wishes);
}
