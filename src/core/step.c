#include "core/step.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

static const char *const step_words[] = {
	[IOV_STEP_PATCH] = "patch",
	[IOV_STEP_MINOR] = "minor",
	[IOV_STEP_MAJOR] = "major",
};

/* ---- versions ---- */

enum iov_semver_step iov_version_step(const struct iov_version *old, const struct iov_version *new)
{
	if (old->major != new->major)
		return IOV_STEP_MAJOR;
	if (old->minor != new->minor)
		return old->major ? IOV_STEP_MINOR : IOV_STEP_MAJOR;
	bool breaks = !old->major && !old->minor && old->patch != new->patch;
	return breaks ? IOV_STEP_MAJOR : IOV_STEP_PATCH;
}

/* ---- one map ---- */

struct comparison {
	const struct iov_release *old, *new;
	enum iov_semver_step step;
	struct iov_buf *changes;
};

__attribute__((format(printf, 3, 4))) static void put(struct comparison *comparison, enum iov_semver_step step,
						      const char *format, ...)
{
	va_list args;
	va_start(args, format);
	iov_buf_puts(comparison->changes, comparison->changes->len ? "; " : "");
	iov_buf_vprintf(comparison->changes, format, args);
	va_end(args);
	if (step > comparison->step)
		comparison->step = step;
}

static const struct iov_export_spec *find_export(const struct iov_release *release, const char *map)
{
	const struct iov_manifest *manifest = release->manifest;
	for (size_t i = 0; i < manifest->n_exports; i++)
		if (!strcmp(manifest->exports[i].map, map))
			return &manifest->exports[i];
	return NULL;
}

/* The value may grow at its end without a break where nobody but readers sees it. */
static void compare_map(struct comparison *comparison, const struct iov_object_map *old,
			const struct iov_object_map *new, enum iov_access access)
{
	bool harmless = access == IOV_READ && iov_object_map_serves(new, old, true);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	if (!strcmp(old->fingerprint, new->fingerprint))
		return;
	iov_object_map_changes(old, new, &text);
	put(comparison, harmless ? IOV_STEP_MINOR : IOV_STEP_MAJOR, "map '%s': %s", old->name,
	    text.data ? text.data : "it is another one");
}

/* ---- all exports ---- */

static void compare_export(struct comparison *comparison, const struct iov_export_spec *was)
{
	const struct iov_export_spec *is = find_export(comparison->new, was->map);
	const struct iov_object_map *old = iov_object_find_map(comparison->old->object, was->map);
	const struct iov_object_map *new = iov_object_find_map(comparison->new->object, was->map);
	if (!is || !new) {
		put(comparison, IOV_STEP_MAJOR, "map '%s' is not exported any more", was->map);
		return;
	}
	if (was->access == IOV_WRITE && is->access == IOV_READ)
		put(comparison, IOV_STEP_MAJOR, "map '%s' was exported for writing and is for reading only", was->map);
	if (was->access == IOV_READ && is->access == IOV_WRITE)
		put(comparison, IOV_STEP_MINOR, "map '%s' is exported for writing too", was->map);
	if (old)
		compare_map(comparison, old, new, was->access);
}

enum iov_semver_step iov_release_step(const struct iov_release *old, const struct iov_release *new,
				      struct iov_buf *ret_changes)
{
	struct comparison comparison = {old, new, IOV_STEP_PATCH, ret_changes};
	for (size_t i = 0; i < old->manifest->n_exports; i++)
		compare_export(&comparison, &old->manifest->exports[i]);
	for (size_t i = 0; i < new->manifest->n_exports; i++)
		if (!find_export(old, new->manifest->exports[i].map))
			put(&comparison, IOV_STEP_MINOR, "map '%s' is exported now", new->manifest->exports[i].map);
	return comparison.step;
}

/* ---- a release among others ---- */

static const char *text_of(const struct iov_release *release)
{
	return release->manifest->version.text;
}

/* The first version after `old` that takes the step; never asked of 0.0.Z, each of which is a line of its own. */
static void next_version(const struct iov_version *old, enum iov_semver_step step, char *ret, size_t size)
{
	if (old->major && step == IOV_STEP_MAJOR)
		snprintf(ret, size, "%" PRIu64 ".0.0", old->major + 1);
	else
		snprintf(ret, size, "%" PRIu64 ".%" PRIu64 ".0", old->major, old->minor + 1);
}

/* The layouts of the first map that both export and that differs. */
static char *side_by_side(const struct iov_release *old, const struct iov_release *new)
{
	char left[IOV_NAME_MAX + IOV_VERSION_MAX + 2], right[sizeof(left)];
	for (size_t i = 0; i < old->manifest->n_exports; i++) {
		const char *name = old->manifest->exports[i].map;
		const struct iov_object_map *was = iov_object_find_map(old->object, name);
		const struct iov_object_map *is =
			find_export(new, name) ? iov_object_find_map(new->object, name) : NULL;
		if (!was || !is || json_equal(was->layout, is->layout))
			continue;
		snprintf(left, sizeof(left), "%s %s", name, text_of(old));
		snprintf(right, sizeof(right), "%s %s", name, text_of(new));
		return iov_layout_compare_text(left, was->layout, right, is->layout);
	}
	return strdup("");
}

static int refuse(struct iov_ctx *ctx, const struct iov_release *old, const struct iov_release *new,
		  enum iov_semver_step step, const struct iov_buf *changes, bool newer)
{
	char next[3 * 20 + 3];
	iov_auto(iov_free_ptr) char *both = side_by_side(old, new);
	if (!both || iov_buf_failed(changes))
		return iov_oom(ctx);
	next_version(&old->manifest->version, step, next, sizeof(next));
	int len = (int)strlen(both) - (*both != '\0');
	const char *name = old->manifest->name;
	if (newer)
		return iov_error(
			ctx, IOV_E_CONTRACT,
			"'%s' %s lies before %s, which is published, and from the one to the other %s; that asks "
			"for a %s step, so keep to what %s exports, or choose another version%s%.*s",
			name, text_of(old), text_of(new), changes->data, step_words[step], text_of(new),
			len ? "\n" : "", len, both);
	return iov_error(
		ctx, IOV_E_CONTRACT,
		"'%s' %s changes maps that %s exports: %s; that asks for a %s step, so make it %s, or keep the "
		"maps as they are%s%.*s",
		name, text_of(new), text_of(old), changes->data, step_words[step], next, len ? "\n" : "", len, both);
}

static int check_pair(struct iov_ctx *ctx, const struct iov_release *old, const struct iov_release *new, bool newer)
{
	iov_auto(iov_buf_release) struct iov_buf changes = {0};
	enum iov_semver_step asked = iov_release_step(old, new, &changes);
	enum iov_semver_step taken = iov_version_step(&old->manifest->version, &new->manifest->version);
	/* What is compatible needs no minor step of its own below 1.0: there the patch is the compatible one. */
	if (asked == IOV_STEP_MINOR && !new->manifest->version.major)
		asked = IOV_STEP_PATCH;
	return asked <= taken ? IOV_OK : refuse(ctx, old, new, asked, &changes, newer);
}

static bool is_promise(const struct iov_release *release)
{
	return !release->yanked && !release->manifest->version.prerelease_len;
}

int iov_release_check_step(struct iov_ctx *ctx, const struct iov_release *release, struct iov_release *const *others,
			   size_t count)
{
	const struct iov_version *version = &release->manifest->version;
	const struct iov_release *older = NULL, *newer = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct iov_version *other = &others[i]->manifest->version;
		int order = iov_version_compare(other, version);
		if (!is_promise(others[i]) || iov_version_step(version, other) == IOV_STEP_MAJOR)
			continue;
		if (order < 0 && (!older || iov_version_compare(other, &older->manifest->version) > 0))
			older = others[i];
		if (order > 0 && (!newer || iov_version_compare(other, &newer->manifest->version) < 0))
			newer = others[i];
	}
	int rc = older ? check_pair(ctx, older, release, false) : IOV_OK;
	return rc || !newer || version->prerelease_len ? rc : check_pair(ctx, release, newer, true);
}
