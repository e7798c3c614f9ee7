#include "ops/hostfile.h"

#include <string.h>

#include "registry/admin.h"
#include "util/buf.h"
#include "util/cleanup.h"

/* ---- registries ---- */

static const json_t *find_registry(const json_t *known, const char *name)
{
	size_t i;
	json_t *one;
	json_array_foreach(known, i, one)
		if (!strcmp(json_string_value(json_object_get(one, "name")), name))
			return one;
	return NULL;
}

static int trust_one(struct iov_ctx *ctx, const struct iov_hostfile *host, const json_t *known, const char *name,
		     const json_t *wanted, unsigned flags)
{
	const char *url = json_string_value(json_object_get(wanted, "url"));
	const char *fingerprint = json_string_value(json_object_get(wanted, "fingerprint"));
	const json_t *found = find_registry(known, name);
	const char *pinned = json_string_value(json_object_get(found, "fingerprint"));
	if (found && !strcmp(pinned, fingerprint))
		return IOV_OK;
	if (found)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "'%s' wants registry '%s' with the fingerprint %s, but this host trusts %s under that "
				 "name; correct the manifest, or run 'iovpkg registry rm %s'",
				 host->path, name, fingerprint, pinned, name);
	if (flags & IOV_DRY_RUN)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "this host does not know the registry '%s' of '%s' yet, and a dry run adds none; run "
				 "'iovpkg registry add %s %s --fingerprint %s'",
				 name, host->path, name, url, fingerprint);
	iov_auto(iov_json_release) json_t *added = NULL;
	return iov_registry_pin(ctx, name, url, fingerprint, &added);
}

int iov_hostfile_trust(struct iov_ctx *ctx, const struct iov_hostfile *host, unsigned flags)
{
	iov_auto(iov_json_release) json_t *known = NULL;
	const char *name;
	json_t *wanted;
	int rc = iov_registry_describe_all(ctx, &known);
	json_object_foreach((json_t *)host->registries, name, wanted)
		rc = rc ? rc : trust_one(ctx, host, known, name, wanted, flags);
	return rc;
}

/* ---- wishes ---- */

static int add_wish(struct iov_ctx *ctx, const char *name, const char *text, struct iov_wished *ret)
{
	ret->name = strdup(name);
	ret->text = strdup(text);
	return ret->name && ret->text ? iov_requirement_parse(ctx, text, &ret->requirement) : iov_oom(ctx);
}

int iov_hostfile_wishes(struct iov_ctx *ctx, const struct iov_hostfile *host, struct iov_wished_list *ret)
{
	const char *name;
	json_t *text;
	int rc = IOV_OK;
	*ret = (struct iov_wished_list){.items = calloc(json_object_size(host->modules) + 1, sizeof(*ret->items))};
	if (!ret->items)
		return iov_oom(ctx);
	json_object_foreach((json_t *)host->modules, name, text)
		rc = rc ? rc : add_wish(ctx, name, json_string_value(text), &ret->items[ret->count++]);
	return rc;
}

/* ---- the lock ---- */

static struct iov_release *find_bytes(struct iov_release *const *releases, size_t count,
				      const struct iov_locked *locked)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(releases[i]->sha256, locked->sha256) &&
		    !strcmp(releases[i]->manifest->version.text, locked->version.text))
			return releases[i];
	return NULL;
}

static int find_locked(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_locked *locked,
		       struct iov_release **ret)
{
	struct iov_release *const *releases = NULL;
	size_t count = 0;
	int rc = locked->registry ? iov_registries_choose(ctx, registries, locked->name, locked->registry) : IOV_OK;
	if (!rc)
		rc = iov_registries_releases(ctx, registries, locked->name, &releases, &count);
	if (!rc)
		*ret = find_bytes(releases, count, locked);
	return rc;
}

int iov_hostfile_locked(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_lockfile *lockfile,
			bool all, struct iov_generation **ret)
{
	iov_auto(iov_generation_release) struct iov_generation *generation = calloc(1, sizeof(*generation));
	if (!generation)
		return iov_oom(ctx);
	for (size_t i = 0; i < lockfile->count; i++) {
		const struct iov_locked *locked = &lockfile->rows[i];
		struct iov_release *release = NULL;
		int rc = find_locked(ctx, registries, locked, &release);
		if (!release && !all && (!rc || rc == IOV_E_NOT_FOUND))
			continue;
		if (!rc && !release)
			rc = iov_error(
				ctx, IOV_E_NOT_FOUND,
				"no registry has the release that is locked: '%s' %s with the archive %s; add the "
				"registry that has it, or lock anew",
				locked->name, locked->version.text, locked->sha256);
		if (!rc)
			rc = iov_generation_put_release(ctx, generation, iov_release_ref(release), "", NULL);
		if (rc)
			return rc;
	}
	*ret = iov_take(generation);
	return IOV_OK;
}

static int differs(struct iov_ctx *ctx, const struct iov_hostfile *host, const char *name, const char *asked,
		   const char *locked)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	if (!asked)
		iov_buf_printf(&text, "it has '%s' for %s, which the manifest does not ask for", name, locked);
	else if (!locked)
		iov_buf_printf(&text, "it lacks '%s', for which the manifest asks", name);
	else
		iov_buf_printf(&text, "it has '%s' for %s, but the manifest asks for %s", name, locked, asked);
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	return iov_error(ctx, IOV_E_CONFLICT, "'%s' is not the lock of '%s': %s; run 'iovpkg lock %s'", host->lock,
			 host->path, text.data, host->path);
}

int iov_hostfile_check_lock(struct iov_ctx *ctx, const struct iov_hostfile *host, const struct iov_lockfile *lockfile)
{
	const char *name;
	json_t *text;
	for (size_t i = 0; i < lockfile->count; i++) {
		const struct iov_locked *row = &lockfile->rows[i];
		const char *asked = json_string_value(json_object_get(host->modules, row->name));
		if (row->requirement && (!asked || strcmp(asked, row->requirement) != 0))
			return differs(ctx, host, row->name, asked, row->requirement);
	}
	json_object_foreach((json_t *)host->modules, name, text) {
		const struct iov_locked *row = iov_lockfile_find(lockfile, name);
		if (!row || !row->requirement)
			return differs(ctx, host, name, json_string_value(text), NULL);
	}
	return IOV_OK;
}
