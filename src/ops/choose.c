#include "ops/choose.h"

#include <string.h>
#include <time.h>

#include "core/brief.h"
#include "resolve/resolve.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

static const char pinned_why[] = "it is pinned";

/* What the resolver asks, answered from the registries and from what is locked. */
struct source {
	const struct iov_choose *request;
	struct iov_release **single; /* locked releases as lists of one, by position in the generation */
};

/* The locked release alone: nothing else will do, or its registry is gone or no longer lists the module. */
static void only_locked(struct source *source, const struct iov_installed *locked, struct iov_release *const **ret,
			size_t *ret_count)
{
	size_t at = (size_t)(locked - source->request->locked->installed);
	source->single[at] = locked->release;
	*ret = &source->single[at];
	*ret_count = 1;
}

/* What is locked goes on coming from where it came from, whoever else offers a module of that name by now. */
int iov_choose_releases(struct iov_ctx *ctx, const struct iov_choose *request, const char *name,
			struct iov_release *const **ret, size_t *ret_count)
{
	const struct iov_installed *locked = iov_generation_installed(request->locked, name);
	int rc = IOV_OK;
	if (locked && locked->release->registry)
		rc = iov_registries_choose(ctx, request->registries, name, locked->release->registry);
	return rc ? rc : iov_registries_briefs(ctx, request->registries, name, ret, ret_count);
}

static int releases_of(struct iov_ctx *ctx, const char *name, struct iov_release *const **ret, size_t *ret_count,
		       void *data)
{
	struct source *source = data;
	const struct iov_installed *locked = iov_generation_installed(source->request->locked, name);
	if (source->request->only_locked) {
		*ret_count = 0;
		if (locked)
			only_locked(source, locked, ret, ret_count);
		return IOV_OK;
	}
	int rc = iov_choose_releases(ctx, source->request, name, ret, ret_count);
	if (locked && (rc == IOV_E_NOT_FOUND || (!rc && !*ret_count))) {
		only_locked(source, locked, ret, ret_count);
		return IOV_OK;
	}
	return rc;
}

/* What a judge does not know yet it finds out from the whole release. */
static int ask_judge(struct iov_ctx *ctx, const struct iov_choose *request, struct iov_judge *judge,
		     const struct iov_release *release, const struct iov_lack **ret)
{
	int rc = IOV_OK;
	if (iov_release_is_brief(release) && !iov_judge_knows(judge, release))
		rc = iov_registries_complete(ctx, request->registries, release, &release);
	return rc ? rc : iov_judge_release(ctx, judge, release, ret);
}

static int lacks_of(struct iov_ctx *ctx, const struct iov_release *release, const struct iov_lack **ret, void *data)
{
	const struct iov_choose *request = ((const struct source *)data)->request;
	int rc = IOV_OK;
	*ret = NULL;
	for (size_t i = 0; !rc && !*ret && i < request->n_judges; i++)
		if (request->judges[i])
			rc = ask_judge(ctx, request, request->judges[i], release, ret);
	return rc;
}

/* For "did you mean": lines "registry name". Without them the refusal is as good, but for the hint. */
static void offer_names(struct iov_ctx *ctx, void (*offer)(const char *name, void *to), void *to, void *data)
{
	const struct source *source = data;
	char **lines = NULL;
	size_t count = 0;
	if (iov_registries_names(ctx, source->request->registries, &lines, &count))
		return;
	for (size_t i = 0; i < count; i++)
		offer(strchr(lines[i], ' ') ? strchr(lines[i], ' ') + 1 : lines[i], to);
	iov_fs_names_free(lines, count);
}

/* ---- wishes ---- */

struct wish_set {
	struct iov_wish *items;
	struct iov_requirement **owned; /* those parsed here, by position; NULL: borrowed */
	size_t count;
};

static void wish_set_release(struct wish_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		iov_requirement_free(set->owned[i]);
	free(set->items);
	free(set->owned);
}

static size_t count_of(const struct iov_wished_list *list)
{
	return list ? list->count : 0;
}

static bool is_unlocked(const struct iov_choose *request, const struct iov_installed *one)
{
	const char *name = one->release->manifest->name;
	return !one->pinned &&
	       (request->unlock_all || (request->unlock_wishes && iov_wished_find(request->wishes, name)));
}

static int add_text(struct iov_ctx *ctx, const char *name, const char *text, const char *why, struct wish_set *set)
{
	struct iov_requirement *requirement = NULL;
	int rc = iov_requirement_parse(ctx, text, &requirement);
	if (rc)
		return rc;
	set->owned[set->count] = requirement;
	set->items[set->count++] = (struct iov_wish){.name = name, .requirement = requirement, .why = why};
	return IOV_OK;
}

/* "=1.2.0" or ">=1.2.0" of what is locked. */
static int add_bound(struct iov_ctx *ctx, const struct iov_installed *one, const char *sign, const char *why,
		     struct wish_set *set)
{
	const struct iov_manifest *manifest = one->release->manifest;
	iov_auto(iov_free_ptr) char *text = iov_requirement_of(sign, manifest->version.text);
	return text ? add_text(ctx, manifest->name, text, why, set) : iov_oom(ctx);
}

/* An older wish counts on, unless the same module is wished anew with another requirement. */
static int add_locked_wish(struct iov_ctx *ctx, const struct iov_choose *request, const struct iov_installed *one,
			   struct wish_set *set)
{
	const char *name = one->release->manifest->name;
	const struct iov_wished *again = iov_wished_find(request->wishes, name);
	if (one->pinned && !iov_wished_find(request->also, name)) {
		int rc = add_bound(ctx, one, "=", pinned_why, set);
		if (rc)
			return rc;
	}
	if (!one->wished || request->forget || (again && again->requirement))
		return IOV_OK;
	if (request->latest && is_unlocked(request, one))
		return add_bound(ctx, one, ">=", "it is installed", set);
	return add_text(ctx, name, one->requirement, "it is installed", set);
}

static void add_new_wishes(const struct iov_wished_list *list, const char *why, struct wish_set *set)
{
	for (size_t i = 0; i < count_of(list); i++)
		set->items[set->count++] = (struct iov_wish){
			.name = list->items[i].name, .requirement = list->items[i].requirement, .why = why};
}

static int collect_wishes(struct iov_ctx *ctx, const struct iov_choose *request, struct wish_set *set)
{
	size_t most = count_of(request->wishes) + count_of(request->also) + request->locked->n_installed * 2 + 1;
	set->items = calloc(most, sizeof(*set->items));
	set->owned = calloc(most, sizeof(*set->owned));
	if (!set->items || !set->owned)
		return iov_oom(ctx);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < request->locked->n_installed; i++)
		rc = add_locked_wish(ctx, request, &request->locked->installed[i], set);
	add_new_wishes(request->wishes, "you asked for it", set);
	add_new_wishes(request->also, NULL, set);
	return rc;
}

/* ---- the question ---- */

/* Names whose lock does not count in this resolution. */
static const char **unlocked(const struct iov_choose *request, size_t *ret_count)
{
	const struct iov_generation *locked = request->locked;
	const char **names = calloc(locked->n_installed + 1, sizeof(*names));
	size_t count = 0;
	for (size_t i = 0; names && i < locked->n_installed; i++)
		if (is_unlocked(request, &locked->installed[i]))
			names[count++] = locked->installed[i].release->manifest->name;
	*ret_count = count;
	return names;
}

void iov_choose_until(const struct iov_ctx *ctx, char ret[IOV_TIME_SIZE])
{
	int64_t now = time(NULL), age = (int64_t)ctx->config.min_age;
	*ret = '\0';
	if (ctx->config.min_age)
		iov_time_text(ctx->config.min_age < (uint64_t)now ? now - age : 0, ret);
}

/* Which pins are in the way, and how they go. */
static int tell_pins(struct iov_ctx *ctx, const json_t *derivation)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	size_t i;
	json_t *step;
	json_array_foreach(derivation, i, step) {
		const char *why = json_string_value(json_object_get(step, "why"));
		const char *name = json_string_value(json_object_get(step, "module"));
		if (why && name && !strcmp(why, pinned_why))
			iov_buf_printf(&text, "; 'iovpkg unpin %s' lets '%s' go", name, name);
	}
	if (!text.len)
		return ctx->code;
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	iov_auto(iov_free_ptr) char *before = strdup(iov_error_text(ctx));
	return before ? iov_error(ctx, ctx->code, "%s%s", before, text.data) : iov_oom(ctx);
}

static int refuse(struct iov_ctx *ctx, const json_t *derivation)
{
	int rc = tell_pins(ctx, derivation);
	iov_error_derive(ctx, iov_json_canonical(derivation));
	return rc;
}

static int ask(struct iov_ctx *ctx, struct source *source, const struct wish_set *set, const struct iov_release ***ret,
	       size_t *ret_count)
{
	iov_auto(iov_json_release) json_t *derivation = NULL;
	char until[IOV_TIME_SIZE];
	size_t n_unlock = 0;
	iov_auto(iov_free_ptr) const char **unlock = unlocked(source->request, &n_unlock);
	if (!unlock)
		return iov_oom(ctx);
	iov_choose_until(ctx, until);
	struct iov_provider provider = {.releases = releases_of,
					.names = offer_names,
					.lacks = source->request->n_judges ? lacks_of : NULL,
					.data = source};
	struct iov_resolve_request question = {.wishes = set->items,
					       .n_wishes = set->count,
					       .locked = source->request->locked,
					       .unlock = unlock,
					       .n_unlock = n_unlock,
					       .until = *until ? until : NULL,
					       .ret_derivation = &derivation};
	int rc = iov_resolve(ctx, &question, &provider, ret, ret_count);
	return rc && derivation ? refuse(ctx, derivation) : rc;
}

/* What is installed is at hand. */
static const struct iov_release *find_locked(const struct iov_choose *request, const struct iov_release *brief)
{
	const struct iov_installed *locked = iov_generation_installed(request->locked, brief->manifest->name);
	return locked && !strcmp(locked->release->sha256, brief->sha256) ? locked->release : NULL;
}

static int complete(struct iov_ctx *ctx, const struct iov_choose *request, const struct iov_release **chosen,
		    size_t count)
{
	size_t n_names = 0;
	iov_auto(iov_free_ptr) const char **names = calloc(count + 1, sizeof(*names));
	if (!names)
		return iov_oom(ctx);
	for (size_t i = 0; i < count; i++) {
		if (!iov_release_is_brief(chosen[i]))
			continue;
		const struct iov_release *locked = find_locked(request, chosen[i]);
		if (locked)
			chosen[i] = locked;
		else
			names[n_names++] = chosen[i]->manifest->name;
	}
	int rc = n_names ? iov_registries_prefetch(ctx, request->registries, names, n_names) : IOV_OK;
	for (size_t i = 0; !rc && i < count; i++)
		if (iov_release_is_brief(chosen[i]))
			rc = iov_registries_complete(ctx, request->registries, chosen[i], &chosen[i]);
	return rc;
}

int iov_choose(struct iov_ctx *ctx, const struct iov_choose *request, const struct iov_release ***ret,
	       size_t *ret_count)
{
	iov_auto(wish_set_release) struct wish_set set = {0};
	iov_auto(iov_free_ptr) const struct iov_release **chosen = NULL;
	size_t count = 0;
	iov_auto(iov_free_ptr) struct iov_release **single = calloc(request->locked->n_installed + 1, sizeof(*single));
	if (!single)
		return iov_oom(ctx);
	struct source source = {.request = request, .single = single};
	int rc = collect_wishes(ctx, request, &set);
	if (!rc && !request->only_locked)
		iov_choose_read_ahead(ctx, request, set.items, set.count);
	if (!rc)
		rc = ask(ctx, &source, &set, &chosen, &count);
	iov_registries_keep_briefs(request->registries);
	if (!rc)
		rc = complete(ctx, request, chosen, count);
	if (rc)
		return rc;
	*ret = iov_take(chosen);
	*ret_count = count;
	return IOV_OK;
}

const struct iov_release *iov_choose_newest(struct iov_release *const *releases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!releases[i]->yanked && !releases[i]->manifest->version.prerelease_len)
			return releases[i];
	return releases[0];
}

const struct iov_release *iov_chosen_find(const struct iov_release *const *chosen, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(chosen[i]->manifest->name, name))
			return chosen[i];
	return NULL;
}
