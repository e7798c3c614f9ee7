/* yank, unyank, deprecate: what a publisher says of releases that are out. */
#include <string.h>

#include "core/status.h"
#include "ops/edit.h"
#include "ops/keys.h"
#include "ops/publish.h"
#include "ops/registries.h"
#include "ops/wish.h"
#include "registry/admin.h"
#include "registry/host.h"
#include "registry/publish.h"
#include "registry/statement.h"
#include "util/cleanup.h"

/* The releases of the module where the statement goes. */
struct view {
	char *url;  /* of the registry */
	char *path; /* the same as a folder of this host; NULL: it is elsewhere */
	char *origin;
	struct iov_host host;
	struct iov_buf text;
	struct iov_index own; /* where path is set */
	struct iov_registries *registries;
	struct iov_release *const *releases; /* newest first; borrowed */
	size_t count;
};

static void view_release(struct view *view)
{
	iov_registries_free(view->registries);
	iov_index_release(&view->own);
	iov_buf_release(&view->text);
	iov_host_release(&view->host);
	free(view->url);
	free(view->path);
	free(view->origin);
}

static int view_here(struct iov_ctx *ctx, const char *name, struct view *view)
{
	int rc = iov_host_open(ctx, view->path, &view->host);
	if (!rc)
		rc = iov_host_index(ctx, &view->host, name, &view->text, &view->own);
	if (rc)
		return rc;
	view->releases = view->own.releases;
	view->count = view->own.count;
	view->origin = strdup(view->host.root->origin);
	return view->origin ? IOV_OK : iov_oom(ctx);
}

static const char *origin_of(const json_t *list, const char *name)
{
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)list, i, one) {
		if (!strcmp(json_string_value(json_object_get(one, "name")), name))
			return json_string_value(json_object_get(one, "origin"));
	}
	return NULL;
}

static int view_there(struct iov_ctx *ctx, const char *name, struct view *view)
{
	iov_auto(iov_json_release) json_t *list = NULL;
	int rc = iov_registry_describe_all(ctx, &list);
	const char *registry = rc ? NULL : iov_publish_name(list, view->url);
	if (!rc && !registry)
		return iov_error(
			ctx, IOV_E_NOT_FOUND,
			"to say something of '%s' this host needs to know what registry '%s' has; add it first "
			"with 'iovpkg registry add NAME %s'",
			name, view->url, view->url);
	if (!rc)
		rc = iov_registries_open(ctx, &view->registries);
	if (!rc)
		rc = iov_registries_update(ctx, view->registries, registry);
	if (!rc)
		rc = iov_registries_choose(ctx, view->registries, name, registry);
	if (!rc)
		rc = iov_registries_releases(ctx, view->registries, name, &view->releases, &view->count);
	if (rc)
		return rc;
	const char *origin = origin_of(list, registry);
	view->origin = strdup(origin ? origin : "");
	return view->origin ? IOV_OK : iov_oom(ctx);
}

static int view_open(struct iov_ctx *ctx, const char *registry, const char *name, struct view *view)
{
	bool local = false;
	char *target = NULL;
	int rc = iov_publish_url(ctx, registry, &view->url);
	if (!rc)
		rc = iov_registry_locate(ctx, view->url, &local, &target);
	if (rc)
		return rc;
	if (!local) {
		free(target);
		return view_there(ctx, name, view);
	}
	view->path = target;
	return view_here(ctx, name, view);
}

/* ---- the statement ---- */

/* What a command says; all of it borrowed. */
struct saying {
	const struct iov_statement_kind *kind;
	const char *text, *successor;
};

static bool is_meant(const struct iov_wished *what, const struct iov_release *release, bool exact)
{
	const struct iov_version *version = &release->manifest->version;
	if (exact)
		return !strcmp(what->text, version->text);
	return !what->requirement || iov_requirement_matches(what->requirement, version);
}

static int pick(struct iov_ctx *ctx, const struct view *view, const struct iov_wished *what,
		const struct saying *saying, struct iov_statement *ret)
{
	bool exact = !strcmp(saying->kind->member, "yanked");
	uint64_t since = 0;
	iov_auto(iov_json_release) json_t *versions = json_array();
	for (size_t i = view->count; i > 0; i--) {
		const struct iov_release *release = view->releases[i - 1];
		if (!is_meant(what, release, exact))
			continue;
		uint64_t newest = iov_release_newest_event(release);
		since = newest > since ? newest : since;
		json_array_append_new(versions, json_string(release->manifest->version.text));
	}
	if (!json_array_size(versions))
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "registry '%s' has no release '%s%s%s'; 'iovpkg info %s' lists them", view->url,
				 what->name, what->text ? "@" : "", what->text ? what->text : "", what->name);
	iov_auto(iov_json_release) json_t *json = iov_statement_make(saying->kind, what->name, view->origin,
								     saying->text, saying->successor, versions, since);
	return json ? iov_statement_read(ctx, json, ret) : iov_oom(ctx);
}

static bool holds_already(const struct view *view, const struct iov_statement *statement)
{
	for (size_t i = 0; i < view->count; i++)
		if (iov_statement_names(statement, view->releases[i]) &&
		    !iov_statement_holds(statement, view->releases[i]))
			return false;
	return true;
}

/* Where the registry's key is at hand, the statement is in the index when the command ends. */
static int accept_if_here(struct iov_ctx *ctx, const struct view *view, const char *sha256, bool *ret_done)
{
	iov_auto(iov_signer_release) struct iov_signer registry = {0};
	if (!view->path)
		return IOV_OK;
	int rc = iov_keys_find_registry(ctx, view->path, &registry, ret_done);
	return rc || !*ret_done ? rc : iov_registry_take_in(ctx, view->path, &registry, sha256, NULL);
}

static int send(struct iov_ctx *ctx, const struct view *view, const struct iov_statement *statement, const char *key,
		bool *ret_done)
{
	char sha256[IOV_HEX_SIZE];
	iov_auto(iov_signer_release) struct iov_signer signer = {0};
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	int rc = iov_keys_load(ctx, key, &signer);
	if (!rc)
		rc = iov_statement_note(ctx, statement->json, &signer, &note);
	if (!rc)
		rc = iov_registry_submit_statement(ctx, view->url, &note, sha256);
	return rc ? rc : accept_if_here(ctx, view, sha256, ret_done);
}

static int answer(struct iov_ctx *ctx, const struct view *view, const struct iov_statement *statement,
		  const char *status, char **ret_json)
{
	return iov_answer(ctx,
			  json_pack("{s:s, s:s, s:s, s:s, s:O}", "kind", statement->kind->name, "name", statement->name,
				    "registry", view->url, "status", status, "versions", statement->versions),
			  ret_json);
}

static int say_of(struct iov_ctx *ctx, const struct iov_wished *what, const struct saying *saying, const char *registry,
		  const char *key, unsigned flags, char **ret_json)
{
	bool done = false;
	iov_auto(view_release) struct view view = {.url = NULL};
	iov_auto(iov_statement_release) struct iov_statement statement = {.json = NULL};
	int rc = view_open(ctx, registry, what->name, &view);
	if (!rc)
		rc = pick(ctx, &view, what, saying, &statement);
	if (rc)
		return rc;
	if (holds_already(&view, &statement))
		return answer(ctx, &view, &statement, "already so", ret_json);
	if (flags & IOV_DRY_RUN)
		return answer(ctx, &view, &statement, "would be so", ret_json);
	rc = send(ctx, &view, &statement, key, &done);
	return rc ? rc : answer(ctx, &view, &statement, done ? "done" : "submitted", ret_json);
}

static int check_text(struct iov_ctx *ctx, const char *text, const char *option)
{
	if (!text)
		return iov_error(ctx, IOV_E_USAGE, "say why with %s TEXT; whoever uses the release reads it", option);
	if (!iov_is_status_text(text))
		return iov_error(ctx, IOV_E_USAGE, "%s is one line of 1 to %d bytes", option, IOV_STATUS_TEXT_MAX);
	return IOV_OK;
}

static int say(struct iov_ctx *ctx, const char *word, const struct saying *saying, const char *registry,
	       const char *key, unsigned flags, char **ret_json)
{
	iov_auto(iov_wished_release) struct iov_wished_list what = {0};
	struct iov_version version;
	int rc = iov_wished_parse(ctx, &word, 1, &what);
	if (rc)
		return rc;
	if (!strcmp(saying->kind->member, "yanked") &&
	    (!what.items->text || iov_version_parse(ctx, what.items->text, &version)))
		return iov_error(ctx, IOV_E_USAGE, "'%s' names no release; say NAME@VERSION, as in %s@1.0.0", word,
				 what.items->name);
	return say_of(ctx, what.items, saying, registry, key, flags, ret_json);
}

/* ---- the commands ---- */

int iov_yank(struct iov_ctx *ctx, const char *release, const char *reason, const char *registry, const char *key,
	     unsigned flags, char **ret_json)
{
	struct saying saying = {.kind = iov_statement_kind("yank"), .text = reason};
	int rc = check_text(ctx, reason, "--reason");
	return rc ? rc : say(ctx, release, &saying, registry, key, flags, ret_json);
}

int iov_unyank(struct iov_ctx *ctx, const char *release, const char *registry, const char *key, unsigned flags,
	       char **ret_json)
{
	struct saying saying = {.kind = iov_statement_kind("unyank")};
	return say(ctx, release, &saying, registry, key, flags, ret_json);
}

int iov_deprecate(struct iov_ctx *ctx, const char *releases, const char *text, const char *successor,
		  const char *registry, const char *key, unsigned flags, char **ret_json)
{
	struct saying saying = {.kind = iov_statement_kind("deprecate"), .text = text, .successor = successor};
	int rc = check_text(ctx, text, "--text");
	if (!rc && successor && !iov_is_name(successor))
		return iov_error(ctx, IOV_E_USAGE, "'%s' cannot be a module's name, so it is no successor", successor);
	return rc ? rc : say(ctx, releases, &saying, registry, key, flags, ret_json);
}

int iov_undeprecate(struct iov_ctx *ctx, const char *releases, const char *registry, const char *key, unsigned flags,
		    char **ret_json)
{
	struct saying saying = {.kind = iov_statement_kind("undeprecate")};
	return say(ctx, releases, &saying, registry, key, flags, ret_json);
}
