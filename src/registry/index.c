#include "registry/index.h"

#include <stdio.h>
#include <string.h>

#include "registry/publishers.h"
#include "util/cleanup.h"

int iov_index_check_signatures(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
			       const struct iov_release *release, json_t **ret_names)
{
	iov_auto(iov_judgement_release) struct iov_judgement judgement = {.names = NULL};
	int rc = iov_release_judge(ctx, root, release, release->log, &judgement);
	if (!rc)
		rc = iov_judgement_refuse(ctx, registry, root, release, &judgement);
	if (!rc && ret_names)
		*ret_names = iov_take(judgement.names);
	return rc;
}

/* A release by a key that was stolen by then is passed over: the others of the module are as good as before. */
static int check_signers(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
			 const struct iov_release *release, bool *ret_stolen)
{
	iov_auto(iov_judgement_release) struct iov_judgement judgement = {.names = NULL};
	int rc = iov_release_judge(ctx, root, release, release->log, &judgement);
	if (!rc)
		rc = iov_judgement_refuse(ctx, registry, root, release, &judgement);
	*ret_stolen = judgement.verdict == IOV_SIGNED_TOO_LATE;
	if (!rc || !*ret_stolen)
		return rc;
	iov_warn(ctx, "a release is passed over: %s", iov_error_text(ctx));
	return IOV_OK;
}

static int check_line(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
		      const struct iov_head *head, const char *name, const struct iov_release *release,
		      bool *ret_stolen)
{
	if (strcmp(release->manifest->name, name) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "registry '%s' answers for '%s' with a release of '%s' (wrong name attack)", registry,
				 name, release->manifest->name);
	if (release->log >= head->log_size)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "'%s' %s in registry '%s' is not in the log (arbitrary software attack)", name,
				 release->manifest->version.text, registry);
	return check_signers(ctx, registry, root, release, ret_stolen);
}

static int newest_first(const void *a, const void *b)
{
	const struct iov_release *left = *(struct iov_release *const *)a, *right = *(struct iov_release *const *)b;
	int order = iov_version_compare(&right->manifest->version, &left->manifest->version);
	return order ? order : (left->log < right->log) - (left->log > right->log);
}

static int check_versions(struct iov_ctx *ctx, const char *registry, const struct iov_index *index)
{
	for (size_t i = 1; i < index->count; i++) {
		const struct iov_manifest *a = index->releases[i - 1]->manifest, *b = index->releases[i]->manifest;
		if (!iov_version_compare(&a->version, &b->version))
			return iov_error(ctx, IOV_E_UNTRUSTED, "registry '%s' has '%s' %s twice (a replaced release)",
					 registry, a->name, a->version.text);
	}
	return IOV_OK;
}

/* What is vouched for and yet no release is the registry's fault, not the user's. */
static int broken_line(struct iov_ctx *ctx, int rc)
{
	return rc == IOV_E_INPUT ? iov_error(ctx, IOV_E_UNTRUSTED, "%s; tell the registry's host", iov_error_text(ctx))
				 : rc;
}

static int add_line(struct iov_ctx *ctx, const char *registry, const char *name, const char *line, size_t len,
		    struct iov_index *index)
{
	char what[160];
	struct iov_release *release = NULL;
	snprintf(what, sizeof(what), "index of '%s' in registry '%s'", name, registry);
	int rc = iov_release_parse(ctx, what, line, len, &release);
	if (rc == IOV_E_UNSUPPORTED) {
		iov_warn(ctx, "%s: a release is passed over: %s", what, iov_error_text(ctx));
		return IOV_OK;
	}
	if (rc)
		return broken_line(ctx, rc);
	release->registry = strdup(registry);
	index->releases[index->count++] = release;
	return release->registry ? IOV_OK : iov_oom(ctx);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t lines = 1;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static int check_lines(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
		       const struct iov_head *head, const char *name, struct iov_index *index)
{
	int rc = IOV_OK;
	size_t kept = 0;
	for (size_t i = 0; i < index->count; i++) {
		bool stolen = false;
		if (!rc)
			rc = check_line(ctx, registry, root, head, name, index->releases[i], &stolen);
		if (stolen)
			index->stolen[index->n_stolen++] = index->releases[i];
		else
			index->releases[kept++] = index->releases[i];
	}
	index->count = kept;
	return rc;
}

int iov_index_parse(struct iov_ctx *ctx, const char *registry, const struct iov_root *root, const struct iov_head *head,
		    const char *name, const char *text, size_t len, struct iov_index *ret)
{
	iov_auto(iov_index_release) struct iov_index index = {0};
	index.releases = calloc(count_lines(text, len), sizeof(struct iov_release *));
	index.stolen = calloc(count_lines(text, len), sizeof(struct iov_release *));
	if (!index.releases || !index.stolen)
		return iov_oom(ctx);
	int rc = IOV_OK;
	for (const char *at = text, *end = text + len; !rc && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = newline ? (size_t)(newline - at) : (size_t)(end - at);
		rc = add_line(ctx, registry, name, at, line, &index);
		at += line + 1;
	}
	if (!rc)
		rc = check_lines(ctx, registry, root, head, name, &index);
	qsort(index.releases, index.count, sizeof(struct iov_release *), newest_first);
	if (!rc)
		rc = check_versions(ctx, registry, &index);
	if (rc)
		return rc;
	*ret = index;
	index = (struct iov_index){0};
	return IOV_OK;
}

void iov_index_release(struct iov_index *index)
{
	for (size_t i = 0; i < index->count; i++)
		iov_release_free(index->releases[i]);
	for (size_t i = 0; i < index->n_stolen; i++)
		iov_release_free(index->stolen[i]);
	free(index->releases);
	free(index->stolen);
	*index = (struct iov_index){0};
}
