#include "ops/standing.h"

#include <string.h>

#include "util/cleanup.h"

const struct iov_release *iov_standing_find(struct iov_release *const *releases, size_t count,
					    const struct iov_release *release)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(releases[i]->sha256, release->sha256))
			return releases[i];
	return NULL;
}

static void warn_of(struct iov_ctx *ctx, const struct iov_release *release)
{
	const char *name = release->manifest->name, *version = release->manifest->version.text;
	const char *successor = release->successor;
	if (release->yanked)
		iov_warn(ctx, "'%s' %s is yanked: %s", name, version, release->yanked);
	if (release->deprecated)
		iov_warn(ctx, "'%s' %s is deprecated: %s%s%s%s", name, version, release->deprecated,
			 successor ? "; use '" : "", successor ? successor : "", successor ? "' instead" : "");
}

int iov_standing_warn(struct iov_ctx *ctx, const struct iov_choose *choose, const struct iov_generation *before,
		      const struct iov_release *const *chosen, size_t count)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < count; i++) {
		const char *name = chosen[i]->manifest->name;
		const struct iov_installed *was = iov_generation_installed(before, name);
		struct iov_release *const *releases = NULL;
		size_t n_releases = 0;
		if (was && !choose->unlock_all && !strcmp(was->release->sha256, chosen[i]->sha256))
			continue;
		rc = iov_choose_releases(ctx, choose, name, &releases, &n_releases);
		const struct iov_release *now = rc ? NULL : iov_standing_find(releases, n_releases, chosen[i]);
		if (rc == IOV_E_NOT_FOUND)
			rc = IOV_OK; /* its registry is gone */
		else if (now)
			warn_of(ctx, now);
	}
	return rc;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

int iov_standing_describe(struct iov_ctx *ctx, const struct iov_release *release, json_t *into)
{
	const struct {
		const char *key, *text;
	} members[] = {
		{"yanked", release ? release->yanked : NULL},
		{"deprecated", release ? release->deprecated : NULL},
		{"successor", release ? release->successor : NULL},
	};
	int bad = 0;
	for (size_t i = 0; i < IOV_COUNT(members); i++)
		bad |= json_object_set_new(into, members[i].key, text_or_null(members[i].text));
	return bad ? iov_oom(ctx) : IOV_OK;
}
