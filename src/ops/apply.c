/* apply: the host becomes what a host manifest says. */
#include <stdio.h>
#include <string.h>

#include "ops/hostfile.h"
#include "ops/instances.h"
#include "ops/obtain.h"
#include "ops/party.h"
#include "util/cleanup.h"

struct applying {
	struct iov_edit *edit;
	struct iov_hostfile host;
	struct iov_lockfile lockfile;
	struct iov_wished_list wishes;
	struct iov_registries *registries;
	struct iov_judge *judge;
	struct iov_generation *locked; /* with IOV_LOCKED: the lock's releases */
	json_t *done;		       /* names of the instances that are as they should be, or about to be */
};

static void applying_release(struct applying *applying)
{
	json_decref(applying->done);
	iov_generation_free(applying->locked);
	iov_judge_close(&applying->judge);
	iov_registries_free(applying->registries);
	iov_wished_release(&applying->wishes);
	iov_lockfile_release(&applying->lockfile);
	iov_hostfile_release(&applying->host);
}

/* ---- releases ---- */

/* A pin that the lock does not keep is a difference that a person has to settle. */
static int check_pins(struct applying *applying)
{
	const struct iov_generation *from = applying->edit->from;
	for (size_t i = 0; i < from->n_installed; i++) {
		const struct iov_manifest *manifest = from->installed[i].release->manifest;
		const struct iov_locked *row = iov_lockfile_find(&applying->lockfile, manifest->name);
		if (from->installed[i].pinned && row && strcmp(row->version.text, manifest->version.text) != 0)
			return iov_error(
				applying->edit->ctx, IOV_E_CONFLICT,
				"'%s' locks '%s' %s, but it is pinned to %s here; 'iovpkg unpin %s' lets it go",
				applying->host.lock, manifest->name, row->version.text, manifest->version.text,
				manifest->name);
	}
	return IOV_OK;
}

/* What a locked release needs is locked too; whether it fits, the resolver tells. */
static int check_complete(struct applying *applying)
{
	for (size_t i = 0; i < applying->locked->n_installed; i++) {
		const struct iov_manifest *manifest = applying->locked->installed[i].release->manifest;
		for (size_t k = 0; k < manifest->n_dependencies; k++)
			if (!iov_lockfile_find(&applying->lockfile, manifest->dependencies[k].name))
				return iov_error(applying->edit->ctx, IOV_E_CONFLICT,
						 "'%s' lacks '%s', which '%s' %s needs; run 'iovpkg lock %s'",
						 applying->host.lock, manifest->dependencies[k].name, manifest->name,
						 manifest->version.text, applying->host.path);
	}
	return IOV_OK;
}

static int check_proof(struct applying *applying, const json_t *proof, const struct iov_release *release)
{
	struct iov_ctx *ctx = applying->edit->ctx;
	iov_auto(iov_json_release) json_t *chain = NULL;
	int rc = iov_registries_prove_by(ctx, applying->registries, proof, release, &chain);
	if (rc != IOV_E_UNTRUSTED)
		return rc;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "'%s' has a wrong proof of '%s' %s: %s; find out who changed it, or run 'iovpkg lock %s'",
			 applying->host.lock, release->manifest->name, release->manifest->version.text,
			 iov_error_text(ctx), applying->host.path);
}

/* What the lock proves goes with the release; nothing is taken from a lock with a proof that is none. */
static int take_proofs(struct applying *applying)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < applying->locked->n_installed; i++) {
		struct iov_installed *one = &applying->locked->installed[i];
		const struct iov_locked *row = iov_lockfile_find(&applying->lockfile, one->release->manifest->name);
		if (!row || !row->proof)
			continue;
		rc = check_proof(applying, row->proof, one->release);
		one->proof = rc ? NULL : json_incref(row->proof);
	}
	return rc;
}

static int read_lock(struct applying *applying)
{
	struct iov_ctx *ctx = applying->edit->ctx;
	int rc = iov_lockfile_read(ctx, applying->host.lock, &applying->lockfile, NULL);
	if (!rc)
		rc = iov_hostfile_check_lock(ctx, &applying->host, &applying->lockfile);
	if (!rc)
		rc = check_pins(applying);
	if (!rc)
		rc = iov_hostfile_locked(ctx, applying->registries, &applying->lockfile, true, &applying->locked);
	if (!rc)
		rc = take_proofs(applying);
	return rc ? rc : check_complete(applying);
}

/* The lock holds nothing that nobody needs, else it is of another manifest. */
static int check_all_used(struct applying *applying)
{
	for (size_t i = 0; i < applying->lockfile.count; i++) {
		const struct iov_locked *row = &applying->lockfile.rows[i];
		if (!iov_generation_installed(applying->edit->to, row->name))
			return iov_error(applying->edit->ctx, IOV_E_CONFLICT,
					 "'%s' has '%s' %s, which nothing in '%s' needs; run 'iovpkg lock %s'",
					 applying->host.lock, row->name, row->version.text, applying->host.path,
					 applying->host.path);
	}
	return IOV_OK;
}

static int obtain(struct applying *applying)
{
	struct iov_edit *edit = applying->edit;
	bool exactly = edit->flags & IOV_LOCKED;
	int rc = iov_registries_open_updated(edit->ctx, &applying->registries);
	if (!rc && exactly)
		rc = read_lock(applying);
	if (!rc)
		rc = iov_party_open(edit->ctx, edit->flags | (applying->host.instances ? 0 : IOV_NO_LOAD),
				    &applying->judge);
	if (rc)
		return rc;
	rc = iov_obtain_from(edit, &(struct iov_choose){.registries = applying->registries,
							.judges = &applying->judge,
							.n_judges = 1,
							.locked = exactly ? applying->locked : edit->from,
							.wishes = &applying->wishes,
							.forget = true,
							.only_locked = exactly});
	if (rc && exactly)
		return iov_error_prefix(edit->ctx, "'%s' does not fit", applying->host.lock);
	return rc || !exactly ? rc : check_all_used(applying);
}

/* ---- instances ---- */

static void words_release(const char ***words)
{
	for (const char **word = *words; word && *word; word++)
		free((char *)*word);
	free(*words);
}

/* An object of texts as "key=value" words, ended by NULL; *ret is the caller's, also after a failure. */
static int words_of(struct iov_ctx *ctx, const json_t *object, const char ***ret)
{
	size_t count = 0;
	const char *key;
	json_t *value;
	*ret = calloc(json_object_size(object) + 1, sizeof(**ret));
	if (!*ret)
		return iov_oom(ctx);
	json_object_foreach((json_t *)object, key, value)
		if (asprintf((char **)&(*ret)[count++], "%s=%s", key, json_string_value(value)) < 0)
			return iov_oom(ctx);
	return IOV_OK;
}

static int want(struct applying *applying, const char *name, const json_t *settings);

/* Those that its maps come from first, so that nothing comes along with other parameters than the manifest says. */
static int want_providers(struct applying *applying, const struct iov_manifest *manifest, const json_t *settings)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < manifest->n_imports; i++) {
		const struct iov_import_spec *spec = &manifest->imports[i];
		const json_t *chosen = json_object_get(json_object_get(settings, "imports"), spec->map);
		const char *provider = chosen ? json_string_value(chosen) : spec->from;
		const json_t *other = json_object_get(applying->host.instances, provider);
		if (other)
			rc = want(applying, provider, other);
	}
	return rc;
}

static int put(struct applying *applying, const char *name, const char *module, const json_t *settings)
{
	iov_auto(words_release) const char **params = NULL;
	iov_auto(words_release) const char **imports = NULL;
	struct iov_ctx *ctx = applying->edit->ctx;
	int rc = words_of(ctx, json_object_get(settings, "params"), &params);
	if (!rc)
		rc = words_of(ctx, json_object_get(settings, "imports"), &imports);
	if (rc)
		return rc;
	struct iov_settings given = {.items = params,
				     .count = json_object_size(json_object_get(settings, "params")),
				     .imports = imports,
				     .n_imports = json_object_size(json_object_get(settings, "imports"))};
	rc = iov_instance_want(applying->edit, module, name, given, true);
	return rc ? iov_error_prefix(ctx, "%s: instance '%s'", applying->host.path, name) : IOV_OK;
}

static int want(struct applying *applying, const char *name, const json_t *settings)
{
	struct iov_edit *edit = applying->edit;
	const char *module = iov_hostfile_module(name, settings);
	const struct iov_installed *installed = iov_generation_installed(edit->to, module);
	if (json_object_get(applying->done, name))
		return IOV_OK;
	if (!installed)
		return iov_error(edit->ctx, IOV_E_INPUT,
				 "%s: instance '%s' runs module '%s', which is not under 'modules'; add it there",
				 applying->host.path, name, module);
	if (json_object_set_new(applying->done, name, json_true()))
		return iov_oom(edit->ctx);
	int rc = want_providers(applying, installed->release->manifest, settings);
	return rc ? rc : put(applying, name, module, settings);
}

/* What a plan does not show: that something is there for its own sake now, or no more. */
static bool wishes_differ(const struct iov_edit *edit)
{
	for (size_t i = 0; i < edit->to->n_instances; i++) {
		const struct iov_instance *now = &edit->to->instances[i];
		const struct iov_instance *was = iov_generation_instance(edit->from, now->name);
		if (was && was->wished != now->wished)
			return true;
	}
	return false;
}

static int make_instances(struct applying *applying)
{
	struct iov_edit *edit = applying->edit;
	const char *name;
	json_t *settings;
	int rc = IOV_OK;
	while (edit->to->n_instances)
		iov_generation_drop_instance(edit->to, edit->to->instances[0].name);
	json_object_foreach((json_t *)applying->host.instances, name, settings) {
		rc = rc ? rc : iov_edit_name(edit, name);
		rc = rc ? rc : want(applying, name, settings);
	}
	iov_instances_tidy(edit);
	edit->touched |= wishes_differ(edit);
	return rc;
}

/* ---- both ---- */

static bool loses_instance(const struct iov_edit *edit, const char *module)
{
	for (size_t i = 0; i < edit->from->n_instances; i++) {
		const struct iov_instance *one = &edit->from->instances[i];
		if (!strcmp(one->module, module) && !iov_generation_instance(edit->to, one->name))
			return true;
	}
	return false;
}

/* What the manifest names goes without asking, but not the end of what it does not name. */
static int name_modules(struct applying *applying)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < applying->wishes.count; i++)
		if (!loses_instance(applying->edit, applying->wishes.items[i].name))
			rc = iov_edit_name(applying->edit, applying->wishes.items[i].name);
	return rc;
}

static int apply(struct applying *applying)
{
	struct iov_edit *edit = applying->edit;
	int rc = iov_hostfile_wishes(edit->ctx, &applying->host, &applying->wishes);
	if (!rc)
		rc = iov_hostfile_trust(edit->ctx, &applying->host, edit->flags);
	if (!rc)
		rc = obtain(applying);
	if (!rc)
		rc = make_instances(applying);
	return rc ? rc : name_modules(applying);
}

int iov_apply(struct iov_ctx *ctx, const char *manifest, unsigned flags, char **ret_json)
{
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	iov_auto(applying_release) struct applying applying = {.edit = &edit, .done = json_object()};
	if (!applying.done)
		return iov_oom(ctx);
	int rc = iov_hostfile_read(ctx, manifest, &applying.host);
	if (!rc)
		rc = iov_edit_begin(ctx, flags, &edit);
	if (!rc)
		rc = apply(&applying);
	return rc ? rc : iov_edit_finish(&edit, ret_json);
}
