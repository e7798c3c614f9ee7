#include "registry/registries.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "registry/brief.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SEARCH_MAX 256 /* modules whose index files are read along with their names */

/* ---- opening ---- */

static int open_named(struct iov_ctx *ctx, struct iov_registries *registries, char *const *names, size_t count)
{
	registries->items = calloc(count + 1, sizeof(*registries->items));
	if (!registries->items)
		return iov_oom(ctx);
	for (size_t i = 0; i < count; i++) {
		if (!iov_is_name(names[i]))
			continue; /* one that is being pinned */
		int rc = iov_trust_open(ctx, names[i], &registries->items[registries->count].trust);
		if (rc)
			return rc;
		registries->count++;
	}
	return IOV_OK;
}

static int open_all(struct iov_ctx *ctx, struct iov_registries *registries)
{
	char **names = NULL;
	size_t count = 0;
	iov_auto(iov_free_ptr) char *folder = iov_trust_folder(ctx, "");
	if (!folder)
		return iov_oom(ctx);
	int err = iov_fs_names(folder, &names, &count);
	if (err && err != -ENOENT)
		return iov_error_errno(ctx, err, "cannot list '%s'", folder);
	int rc = open_named(ctx, registries, names, count);
	iov_fs_names_free(names, count);
	return rc;
}

int iov_registries_open(struct iov_ctx *ctx, struct iov_registries **ret)
{
	struct iov_registries *registries = calloc(1, sizeof(*registries));
	if (!registries)
		return iov_oom(ctx);
	registries->ctx = ctx;
	int rc = open_all(ctx, registries);
	if (rc)
		iov_registries_free(registries);
	else
		*ret = registries;
	return rc;
}

/* What cannot be remembered is no reason for a command to fail. */
static void keep_seen(struct iov_ctx *ctx, struct iov_registry *registry)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	if (registry->trust && iov_seen_save(ctx, registry->trust, &registry->seen))
		iov_warn(ctx, "%s", iov_error_text(ctx));
	iov_error_restore(ctx, saved);
}

void iov_registries_free(struct iov_registries *registries)
{
	if (!registries)
		return;
	for (size_t i = 0; i < registries->count; i++) {
		keep_seen(registries->ctx, &registries->items[i]);
		iov_registry_forget_answers(&registries->items[i]);
		iov_trust_free(registries->items[i].trust);
	}
	for (size_t i = 0; i < registries->n_choices; i++)
		free(registries->choices[i].name);
	free(registries->items);
	free(registries->choices);
	free(registries);
}

size_t iov_registries_count(const struct iov_registries *registries)
{
	return registries->count;
}

struct iov_registry *iov_registries_find(struct iov_registries *registries, const char *name)
{
	for (size_t i = 0; i < registries->count; i++)
		if (!strcmp(registries->items[i].trust->name, name))
			return &registries->items[i];
	return NULL;
}

static int unknown(struct iov_ctx *ctx, const char *name)
{
	return iov_error(ctx, IOV_E_NOT_FOUND,
			 "no registry '%s' on this host; add it with 'iovpkg registry add %s URL'", name, name);
}

/* ---- updating ---- */

static int update_one(struct iov_ctx *ctx, struct iov_registry *registry)
{
	iov_step(ctx, "updating", registry->trust->name);
	keep_seen(ctx, registry);
	int rc = iov_trust_update(ctx, registry->trust, time(NULL));
	iov_registry_forget_answers(registry);
	if (!rc)
		iov_done(ctx, "updating", registry->trust->name);
	return rc;
}

/* One registry that cannot be reached keeps no other from its update; the first failure is the answer. */
int iov_registries_update(struct iov_ctx *ctx, struct iov_registries *registries, const char *name)
{
	struct iov_saved_error first = {.code = IOV_OK};
	if (name && !iov_registries_find(registries, name))
		return unknown(ctx, name);
	for (size_t i = 0; i < registries->count; i++) {
		struct iov_registry *registry = &registries->items[i];
		if ((name && strcmp(name, registry->trust->name) != 0) || !update_one(ctx, registry))
			continue;
		if (!first.code)
			first = iov_error_save(ctx);
		else
			iov_warn(ctx, "%s", iov_error_text(ctx));
	}
	return first.code ? iov_error_restore(ctx, first) : IOV_OK;
}

/* ---- releases ---- */

static struct iov_choice *find_choice(const struct iov_registries *registries, const char *name)
{
	for (size_t i = 0; i < registries->n_choices; i++)
		if (!strcmp(registries->choices[i].name, name))
			return &registries->choices[i];
	return NULL;
}

int iov_registries_choose(struct iov_ctx *ctx, struct iov_registries *registries, const char *name,
			  const char *registry)
{
	const struct iov_registry *found = iov_registries_find(registries, registry);
	if (!found)
		return unknown(ctx, registry);
	struct iov_choice *choice = find_choice(registries, name);
	if (!choice) {
		choice = realloc(registries->choices, (registries->n_choices + 1) * sizeof(*choice));
		if (!choice)
			return iov_oom(ctx);
		registries->choices = choice;
		choice += registries->n_choices;
		choice->name = strdup(name);
		if (!choice->name)
			return iov_oom(ctx);
		registries->n_choices++;
	}
	choice->registry = (size_t)(found - registries->items);
	return IOV_OK;
}

static int confusion(struct iov_ctx *ctx, const char *name, const struct iov_registry *a, const struct iov_registry *b)
{
	return iov_error(ctx, IOV_E_CONFLICT,
			 "registries '%s' and '%s' both have a module '%s', and one must not pass for the other "
			 "(dependency confusion); "
			 "remove one of them with 'iovpkg registry rm'",
			 a->trust->name, b->trust->name, name);
}

static bool asks(const struct iov_registries *registries, const char *name, size_t at)
{
	const struct iov_choice *choice = find_choice(registries, name);
	return !choice || choice->registry == at;
}

typedef int (*answer_fn)(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
			 const struct iov_answer **ret);

static int ask_all(struct iov_ctx *ctx, struct iov_registries *registries, answer_fn ask, const char *name,
		   struct iov_release *const **ret, size_t *ret_count)
{
	const struct iov_registry *owner = NULL;
	struct iov_index found = {0}; /* borrowed */
	for (size_t i = 0; i < registries->count; i++) {
		const struct iov_answer *answer = NULL;
		if (!asks(registries, name, i))
			continue;
		int rc = ask(ctx, &registries->items[i], name, &answer);
		if (rc)
			return rc;
		if (answer->index.count && owner)
			return confusion(ctx, name, owner, &registries->items[i]);
		if (answer->index.count) {
			owner = &registries->items[i];
			found = answer->index;
		}
	}
	*ret = found.releases;
	*ret_count = found.count;
	return IOV_OK;
}

int iov_registries_releases(struct iov_ctx *ctx, struct iov_registries *registries, const char *name,
			    struct iov_release *const **ret, size_t *ret_count)
{
	return ask_all(ctx, registries, iov_registry_answer, name, ret, ret_count);
}

int iov_registries_briefs(struct iov_ctx *ctx, struct iov_registries *registries, const char *name,
			  struct iov_release *const **ret, size_t *ret_count)
{
	return ask_all(ctx, registries, iov_registry_brief, name, ret, ret_count);
}

int iov_registries_complete(struct iov_ctx *ctx, struct iov_registries *registries, const struct iov_release *brief,
			    const struct iov_release **ret)
{
	const struct iov_answer *answer = NULL;
	struct iov_registry *registry = iov_registries_find(registries, brief->registry);
	int rc = registry ? iov_registry_answer(ctx, registry, brief->manifest->name, &answer)
			  : unknown(ctx, brief->registry);
	for (size_t i = 0; !rc && i < answer->index.count; i++)
		if (answer->index.releases[i]->log == brief->log) {
			*ret = answer->index.releases[i];
			return IOV_OK;
		}
	return rc ? rc
		  : iov_error(ctx, IOV_E_INTERNAL, "'%s' %s is in no index any more; run 'iovpkg registry update'",
			      brief->manifest->name, brief->manifest->version.text);
}

void iov_registries_keep_briefs(const struct iov_registries *registries)
{
	for (size_t i = 0; i < registries->count; i++)
		iov_registry_keep_briefs(&registries->items[i]);
}

static int warm_one(struct iov_ctx *ctx, struct iov_registry *registry, const char *const *names, size_t count)
{
	size_t n_unknown = 0;
	iov_auto(iov_free_ptr) const char **unknown_names = calloc(count + 1, sizeof(*unknown_names));
	if (!unknown_names)
		return iov_oom(ctx);
	for (size_t i = 0; i < count; i++)
		if (!iov_registry_known(ctx, registry, names[i]))
			unknown_names[n_unknown++] = names[i];
	return n_unknown ? iov_registry_prefetch(ctx, registry, unknown_names, n_unknown) : IOV_OK;
}

int iov_registries_warm(struct iov_ctx *ctx, struct iov_registries *registries, const char *const *names, size_t count)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < registries->count; i++)
		rc = warm_one(ctx, &registries->items[i], names, count);
	return rc;
}

int iov_registries_prefetch(struct iov_ctx *ctx, struct iov_registries *registries, const char *const *names,
			    size_t count)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < registries->count; i++)
		rc = iov_registry_prefetch(ctx, &registries->items[i], names, count);
	return rc;
}

/* ---- names ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int split_lines(struct iov_ctx *ctx, char *lines, char ***ret_names, size_t *ret_count)
{
	size_t count = 0, room = 0;
	for (const char *at = lines; *at; at++)
		room += *at == '\n';
	char **names = calloc(room + 1, sizeof(*names));
	char *rest = lines;
	for (char *line; names && (line = strsep(&rest, "\n")) && rest; count++)
		if (!(names[count] = strdup(line)))
			break;
	if (!names || count < room) {
		iov_fs_names_free(names, count);
		return iov_oom(ctx);
	}
	qsort(names, count, sizeof(*names), by_text);
	*ret_names = names;
	*ret_count = count;
	return IOV_OK;
}

/* Lines of a small registry are followed by its index files with one question instead of one each. */
static int prefetch_lines(struct iov_ctx *ctx, struct iov_registries *registries, char *const *lines, size_t count)
{
	const char *names[SEARCH_MAX] = {0};
	if (count > SEARCH_MAX)
		return IOV_OK;
	for (size_t i = 0; i < count; i++)
		names[i] = strchr(lines[i], ' ') + 1;
	return iov_registries_prefetch(ctx, registries, names, count);
}

int iov_registries_names(struct iov_ctx *ctx, struct iov_registries *registries, char ***ret_names, size_t *ret_count)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	char **lines = NULL;
	size_t count = 0;
	iov_buf_add(&text, "", 0);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < registries->count; i++)
		rc = iov_registry_names(ctx, &registries->items[i], &text);
	if (!rc && iov_buf_failed(&text))
		rc = iov_oom(ctx);
	if (!rc)
		rc = split_lines(ctx, text.data, &lines, &count);
	if (!rc)
		rc = prefetch_lines(ctx, registries, lines, count);
	if (rc) {
		iov_fs_names_free(lines, count);
		return rc;
	}
	*ret_names = lines;
	*ret_count = count;
	return IOV_OK;
}

json_t *iov_registries_traffic(struct iov_registries *registries, const char *name)
{
	const struct iov_registry *registry = iov_registries_find(registries, name);
	struct iov_http *session;
	if (!registry || !registry->trust->sparse ||
	    iov_sparse_session(registries->ctx, registry->trust->sparse, &session))
		return NULL;
	const struct iov_http_counts counts = iov_http_counts(session);
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "body", (json_int_t)counts.body, "connections",
			 (json_int_t)counts.connections, "headers", (json_int_t)counts.headers, "requests",
			 (json_int_t)counts.requests, "rounds", (json_int_t)counts.rounds);
}
