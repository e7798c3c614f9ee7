#include "ops/obtain.h"

#include <string.h>

#include "engine/btf_cache.h"
#include "fetch/fetch.h"
#include "ops/party.h"
#include "ops/standing.h"
#include "store/store.h"
#include "util/cleanup.h"

static void requirement_release(struct iov_requirement **requirement)
{
	iov_requirement_free(*requirement);
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

static bool is_installed(const struct iov_edit *edit, const struct iov_release *chosen)
{
	const struct iov_installed *installed = iov_generation_installed(edit->to, chosen->manifest->name);
	return installed && !strcmp(installed->release->sha256, chosen->sha256);
}

/* All that is missing with few questions, before the first of them is unpacked. */
static int fetch_all(struct iov_edit *edit, struct iov_registries *registries, const struct iov_release *const *chosen,
		     size_t count)
{
	iov_auto(iov_free_ptr) const struct iov_release **missing = calloc(count + 1, sizeof(*missing));
	size_t n = 0;
	if (!missing)
		return iov_oom(edit->ctx);
	for (size_t i = 0; i < count && !(edit->flags & IOV_DRY_RUN); i++)
		if (!is_installed(edit, chosen[i]) && !iov_manifest_unsupported(chosen[i]->manifest) &&
		    !iov_store_has(edit->ctx, chosen[i]->sha256))
			missing[n++] = chosen[i];
	return iov_fetch_archives(edit->ctx, registries, missing, n);
}

/* What is locked may bring its proof, which was checked when the lock was read. Borrowed; NULL: none. */
static json_t *locked_proof(const struct iov_choose *choose, const struct iov_release *release)
{
	const struct iov_installed *locked = iov_generation_installed(choose->locked, release->manifest->name);
	return locked && !strcmp(locked->release->sha256, release->sha256) ? locked->proof : NULL;
}

/* The release is in the log; the lock keeps the proof for the day when the registry is gone. */
static int prove(struct iov_edit *edit, const struct iov_choose *choose, const struct iov_release *release,
		 json_t **ret)
{
	iov_auto(iov_json_release) json_t *chain = NULL;
	*ret = json_incref(locked_proof(choose, release));
	if (*ret || edit->flags & IOV_DRY_RUN || !iov_registries_prove_cheaply(choose->registries, release))
		return IOV_OK;
	int rc = iov_registries_proof(edit->ctx, choose->registries, release, ret);
	return rc ? rc : iov_proof_check(edit->ctx, *ret, release, &chain);
}

/* Into the store, with the object for this machine, whose digest `ret_object` gets. Nothing of it in a dry run. */
static int bring_with_object(struct iov_edit *edit, struct iov_registries *registries, const struct iov_release *chosen,
			     char ret_object[IOV_HEX_SIZE])
{
	int rc = refuse_unsupported(edit->ctx, chosen);
	*ret_object = '\0';
	if (rc || edit->flags & IOV_DRY_RUN)
		return rc;
	rc = bring(edit->ctx, registries, chosen);
	return rc ? rc : iov_store_object(edit->ctx, chosen, ret_object);
}

/* In the place of another release of the module, whose wish and pin it takes over. Takes the release over. */
static int put_release(struct iov_edit *edit, struct iov_release *release, const char *object, json_t **proof)
{
	const char *name = release->manifest->name;
	const struct iov_installed *was = iov_generation_installed(edit->to, name);
	bool wished = was && was->wished, pinned = was && was->pinned;
	iov_auto(iov_free_ptr) char *requirement = wished ? strdup(was->requirement) : NULL;
	if (wished && !requirement) {
		iov_release_free(release);
		return iov_oom(edit->ctx);
	}
	int rc = iov_generation_put_release(edit->ctx, edit->to, release, object, requirement);
	if (rc)
		return rc;
	struct iov_installed *put = iov_generation_installed(edit->to, name);
	put->pinned = pinned;
	put->proof = iov_take(*proof);
	return IOV_OK;
}

/* What is installed already, and came without a proof. */
static void adopt_proof(struct iov_edit *edit, const struct iov_choose *choose, struct iov_installed *installed)
{
	if (installed->proof)
		return;
	installed->proof = json_incref(locked_proof(choose, installed->release));
	edit->touched |= installed->proof != NULL;
}

static int take_release(struct iov_edit *edit, const struct iov_choose *choose, const struct iov_release *chosen)
{
	char object[IOV_HEX_SIZE];
	struct iov_release *release = NULL;
	iov_auto(iov_json_release) json_t *proof = NULL;
	if (is_installed(edit, chosen)) {
		adopt_proof(edit, choose, iov_generation_installed(edit->to, chosen->manifest->name));
		return IOV_OK;
	}
	int rc = bring_with_object(edit, choose->registries, chosen, object);
	rc = rc ? rc : own_copy(edit, chosen, &release);
	if (rc)
		return rc;
	rc = prove(edit, choose, release, &proof);
	if (!rc)
		return put_release(edit, release, object, &proof);
	iov_release_free(release);
	return rc;
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

/* Dependencies that the new choice does not need any more go. */
static void drop_unchosen(struct iov_edit *edit, const struct iov_release *const *chosen, size_t count)
{
	for (size_t i = edit->to->n_installed; i-- > 0;) {
		const char *name = edit->to->installed[i].release->manifest->name;
		if (!iov_chosen_find(chosen, count, name))
			iov_generation_drop_release(edit->to, name);
	}
}

/* A wish that was meant for older versions follows the newer one, in the same way: ^, ~ or =. */
static int renew_requirement(struct iov_ctx *ctx, struct iov_installed *one)
{
	iov_auto(requirement_release) struct iov_requirement *old = NULL;
	const struct iov_version *version = &one->release->manifest->version;
	int rc = one->wished ? iov_requirement_parse(ctx, one->requirement, &old) : IOV_OK;
	if (rc || !one->wished || iov_requirement_matches(old, version))
		return rc;
	const char *sign = *one->requirement == '~' ? "~" : *one->requirement == '=' ? "=" : "^";
	char *text = iov_requirement_of(sign, version->text);
	if (!text)
		return iov_oom(ctx);
	free(one->requirement);
	one->requirement = text;
	return IOV_OK;
}

/* What only a pin keeps back is worth a word where everything was to move. */
static int tell_pinned(struct iov_ctx *ctx, const struct iov_choose *choose, const struct iov_installed *one)
{
	const struct iov_manifest *manifest = one->release->manifest;
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = iov_choose_releases(ctx, choose, manifest->name, &releases, &count);
	if (rc || !count)
		return rc;
	const struct iov_version *newest = &iov_choose_newest(releases, count)->manifest->version;
	if (iov_version_compare(newest, &manifest->version) > 0)
		iov_note(ctx, "module '%s' stays at %s, as it is pinned; %s is out, and 'iovpkg unpin %s' lets it go",
			 manifest->name, manifest->version.text, newest->text, manifest->name);
	return IOV_OK;
}

static int tell_all_pinned(struct iov_ctx *ctx, const struct iov_choose *choose)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && choose->unlock_all && i < choose->locked->n_installed; i++)
		if (choose->locked->installed[i].pinned)
			rc = tell_pinned(ctx, choose, &choose->locked->installed[i]);
	return rc;
}

/* Wishes that are not told again are wishes no more. */
static void forget_others(struct iov_edit *edit, const struct iov_wished_list *wishes)
{
	for (size_t i = 0; i < edit->to->n_installed; i++) {
		struct iov_installed *one = &edit->to->installed[i];
		if (one->wished && !iov_wished_find(wishes, one->release->manifest->name)) {
			free(iov_take(one->requirement));
			one->wished = false;
			edit->touched = true;
		}
	}
}

static int take_all(struct iov_edit *edit, const struct iov_choose *choose, const struct iov_release *const *chosen,
		    size_t count)
{
	int rc = tell_all_pinned(edit->ctx, choose);
	if (!rc)
		rc = iov_standing_warn(edit->ctx, choose, edit->from, chosen, count);
	if (!rc)
		rc = fetch_all(edit, choose->registries, chosen, count);
	for (size_t i = 0; !rc && i < count; i++)
		rc = take_release(edit, choose, chosen[i]);
	if (rc)
		return rc;
	drop_unchosen(edit, chosen, count);
	for (size_t i = 0; !rc && choose->latest && i < edit->to->n_installed; i++)
		rc = renew_requirement(edit->ctx, &edit->to->installed[i]);
	if (!rc)
		rc = warm_up(edit);
	if (!rc)
		rc = mark_wishes(edit, choose->wishes);
	if (!rc && choose->forget)
		forget_others(edit, choose->wishes);
	return rc;
}

int iov_obtain_from(struct iov_edit *edit, const struct iov_choose *choose)
{
	iov_auto(iov_free_ptr) const struct iov_release **chosen = NULL;
	size_t count = 0;
	int rc = iov_choose(edit->ctx, choose, &chosen, &count);
	if (rc)
		return rc;
	for (size_t i = 0; i < choose->n_judges; i++)
		iov_party_tell(edit->ctx, choose->judges[i], chosen, count);
	return take_all(edit, choose, chosen, count);
}

int iov_obtain(struct iov_edit *edit, struct iov_choose choose)
{
	struct iov_ctx *ctx = edit->ctx;
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_judge_close) struct iov_judge *judge = NULL;
	int rc = iov_registries_open_updated(ctx, &registries);
	for (size_t i = 0; !rc && i < choose.wishes->count; i++)
		if (!iov_generation_installed(edit->from, choose.wishes->items[i].name))
			rc = iov_registries_need_one(ctx, registries, choose.wishes->items[i].name);
	if (!rc)
		rc = iov_party_open(ctx, edit->flags, &judge);
	choose.registries = registries;
	choose.judges = &judge;
	choose.n_judges = 1;
	choose.locked = edit->from;
	return rc ? rc : iov_obtain_from(edit, &choose);
}
