/* outdated: what an upgrade would bring, what keeps the newest releases away, and what should no longer be used. */
#include <string.h>

#include "ops/choose.h"
#include "ops/edit.h"
#include "ops/party.h"
#include "ops/standing.h"
#include "state/generations.h"
#include "util/buf.h"
#include "util/cleanup.h"

struct outlook {
	struct iov_ctx *ctx;
	struct iov_choose choose;
	const struct iov_release **fits; /* what an upgrade of everything would choose; owned array */
	size_t n_fits;
	char until[IOV_TIME_SIZE];
};

static int add_text(struct iov_ctx *ctx, json_t *list, const char *text)
{
	return json_array_append_new(list, json_string(text)) ? iov_oom(ctx) : IOV_OK;
}

/* What is wanted by the experiment alone is no reason. */
static int add_facts(struct outlook *outlook, const char *name, json_t *reasons)
{
	iov_auto(iov_json_release) json_t *derivation = json_loads(iov_error_derivation(outlook->ctx), 0, NULL);
	size_t i;
	json_t *step;
	int rc = derivation ? IOV_OK : iov_oom(outlook->ctx);
	json_array_foreach(derivation, i, step) {
		const char *module = json_string_value(json_object_get(step, "module"));
		bool is_wish = json_object_get(step, "why") != NULL;
		bool is_experiment = is_wish && !json_is_string(json_object_get(step, "why")) && !strcmp(module, name);
		if (!rc && json_object_get(step, "fact") && !is_experiment)
			rc = add_text(outlook->ctx, reasons, json_string_value(json_object_get(step, "text")));
	}
	return rc;
}

/* The newest would do, but then something else could not be as new. */
static int add_rivals(struct outlook *outlook, const struct iov_release *const *chosen, size_t count, json_t *reasons)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < outlook->n_fits; i++) {
		const struct iov_manifest *fit = outlook->fits[i]->manifest;
		const struct iov_release *other = iov_chosen_find(chosen, count, fit->name);
		if (!other || iov_version_compare(&other->manifest->version, &fit->version) >= 0)
			continue;
		iov_auto(iov_buf_release) struct iov_buf text = {0};
		iov_buf_printf(&text, "with it '%s' could only be %s", fit->name, other->manifest->version.text);
		rc = iov_buf_failed(&text) ? iov_oom(outlook->ctx) : add_text(outlook->ctx, reasons, text.data);
	}
	return rc;
}

/* Asks for the newest, and so learns what is against it. */
static int try_newest(struct outlook *outlook, const struct iov_release *newest, json_t *reasons)
{
	iov_auto(iov_wished_release) struct iov_wished_list also = {0};
	iov_auto(iov_free_ptr) const struct iov_release **chosen = NULL;
	iov_auto(iov_buf_release) struct iov_buf word = {0};
	const struct iov_manifest *manifest = newest->manifest;
	iov_auto(iov_free_ptr) char *exactly = iov_requirement_of("=", manifest->version.text);
	struct iov_choose choose = outlook->choose;
	size_t count = 0;
	iov_buf_printf(&word, "%s@%s", manifest->name, exactly ? exactly : "");
	if (!exactly || iov_buf_failed(&word))
		return iov_oom(outlook->ctx);
	int rc = iov_wished_parse(outlook->ctx, (const char *const *)&word.data, 1, &also);
	if (rc)
		return rc;
	choose.also = &also;
	rc = iov_choose(outlook->ctx, &choose, &chosen, &count);
	if (!rc)
		return add_rivals(outlook, chosen, count, reasons);
	return iov_error_derivation(outlook->ctx) ? add_facts(outlook, manifest->name, reasons) : rc;
}

static int add_reasons(struct outlook *outlook, const struct iov_installed *one, const struct iov_release *newest,
		       json_t *reasons)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	if (one->pinned)
		iov_buf_printf(&text, "it is pinned; 'iovpkg unpin %s' lets it go", newest->manifest->name);
	else if (*outlook->until && strcmp(newest->published, outlook->until) > 0)
		iov_buf_printf(&text, "it was published %s, later than --min-age allows", newest->published);
	else
		return try_newest(outlook, newest, reasons);
	return iov_buf_failed(&text) ? iov_oom(outlook->ctx) : add_text(outlook->ctx, reasons, text.data);
}

static int add_row(struct outlook *outlook, const struct iov_installed *one, const struct iov_release *newest,
		   const struct iov_release *now, json_t *list)
{
	const struct iov_manifest *manifest = one->release->manifest;
	iov_auto(iov_json_release) json_t *reasons = json_array();
	const struct iov_release *fits = iov_chosen_find(outlook->fits, outlook->n_fits, manifest->name);
	int rc = IOV_OK;
	if (!fits)
		fits = one->release; /* an upgrade drops it */
	if (iov_version_compare(&newest->manifest->version, &fits->manifest->version) > 0)
		rc = add_reasons(outlook, one, newest, reasons);
	if (rc)
		return rc;
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:b, s:O}", "name", manifest->name, "installed",
				manifest->version.text, "fits", fits->manifest->version.text, "newest",
				newest->manifest->version.text, "pinned", one->pinned, "held_by", reasons);
	if (!row || json_array_append_new(list, row))
		return iov_oom(outlook->ctx);
	return iov_standing_describe(outlook->ctx, now, row);
}

static int look_at(struct outlook *outlook, const struct iov_installed *one, json_t *list)
{
	const struct iov_manifest *manifest = one->release->manifest;
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = iov_choose_releases(outlook->ctx, &outlook->choose, manifest->name, &releases, &count);
	if (rc == IOV_E_NOT_FOUND || (!rc && !count))
		return IOV_OK; /* its registry is gone */
	if (rc)
		return rc;
	const struct iov_release *newest = iov_choose_newest(releases, count);
	const struct iov_release *now = iov_standing_find(releases, count, one->release);
	bool outdated = iov_version_compare(&newest->manifest->version, &manifest->version) > 0;
	bool unwanted = now && (now->yanked || now->deprecated);
	return outdated || unwanted ? add_row(outlook, one, newest, now, list) : IOV_OK;
}

int iov_outdated(struct iov_ctx *ctx, char **ret_json)
{
	iov_auto(iov_registries_close) struct iov_registries *registries = NULL;
	iov_auto(iov_judge_close) struct iov_judge *judge = NULL;
	iov_auto(iov_generation_release) struct iov_generation *current = NULL;
	iov_auto(iov_free_ptr) const struct iov_release **fits = NULL;
	iov_auto(iov_json_release) json_t *list = json_array();
	size_t n_fits = 0;
	int rc = iov_registries_open_fresh(ctx, &registries);
	if (!rc)
		rc = iov_generation_current(ctx, &current);
	if (!rc)
		rc = iov_party_open(ctx, 0, &judge);
	if (rc)
		return rc;
	struct outlook outlook = {.ctx = ctx,
				  .choose = {.registries = registries,
					     .judges = &judge,
					     .n_judges = 1,
					     .locked = current,
					     .unlock_all = true}};
	rc = iov_choose(ctx, &outlook.choose, &fits, &n_fits);
	outlook.fits = fits;
	outlook.n_fits = n_fits;
	iov_choose_until(ctx, outlook.until);
	for (size_t i = 0; !rc && i < current->n_installed; i++)
		rc = look_at(&outlook, &current->installed[i], list);
	return rc ? rc
		  : iov_answer(ctx, json_pack("{s:I, s:O}", "generation", (json_int_t)current->number, "modules", list),
			       ret_json);
}
