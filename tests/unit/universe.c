#include "universe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

static char *word(char **rest)
{
	char *text = strsep(rest, " ");
	ck_assert(text && *text);
	return text;
}

static struct iov_requirement *requirement(struct universe *universe, const char *text)
{
	struct iov_requirement *parsed = NULL;
	unit_ok(universe->ctx, iov_requirement_parse(universe->ctx, text, &parsed));
	return parsed;
}

static struct iov_release *last(struct universe *universe)
{
	ck_assert_uint_gt(universe->n_releases, 0);
	return universe->releases[universe->n_releases - 1];
}

static struct iov_release *add_plain(struct universe *universe, const char *name, const char *version,
				     const char *sha256)
{
	struct iov_release *release = calloc(1, sizeof(*release));
	ck_assert(universe->n_releases < UNIVERSE_MAX && release != NULL);
	release->references = 1;
	release->sha256 = sha256;
	release->published = "2026-01-01T00:00:00Z";
	release->manifest = calloc(1, sizeof(*release->manifest));
	release->manifest->name = name;
	unit_ok(universe->ctx, iov_version_parse(universe->ctx, version, &release->manifest->version));
	universe->releases[universe->n_releases++] = release;
	return release;
}

static void add_release(struct universe *universe, char *rest)
{
	const char *name = word(&rest);
	add_plain(universe, name, word(&rest), "one");
}

static void add_need(struct universe *universe, char *rest)
{
	struct iov_manifest *manifest = last(universe)->manifest;
	manifest->dependencies =
		reallocarray(manifest->dependencies, manifest->n_dependencies + 1, sizeof(*manifest->dependencies));
	struct iov_dependency *dependency = &manifest->dependencies[manifest->n_dependencies++];
	dependency->name = word(&rest);
	dependency->requirement = requirement(universe, rest);
}

static void add_yank(struct universe *universe, char *rest)
{
	last(universe)->yanked = rest;
}

static void add_published(struct universe *universe, char *rest)
{
	last(universe)->published = rest;
}

static void add_until(struct universe *universe, char *rest)
{
	universe->until = rest;
}

static void add_gone(struct universe *universe, char *rest)
{
	(void)rest;
	universe->gone[universe->n_releases - 1] = true;
}

static void add_lack(struct universe *universe, char *rest)
{
	struct iov_lack *lack = calloc(1, sizeof(*lack));
	ck_assert_ptr_nonnull(lack);
	const char *what = word(&rest);
	char *text = NULL;
	ck_assert_int_gt(asprintf(&text, "helper '%s', which kernel 6.1.0 does not have%s%s%s", what,
				  rest ? " (Linux " : "", rest ? rest : "", rest ? " brought it)" : ""),
			 0);
	*lack = (struct iov_lack){.kernel = "6.1.0", .missing = "helper", .what = what, .since = rest, .text = text};
	universe->lacks[universe->n_releases - 1] = lack;
}

static void add_replaced(struct universe *universe, char *rest)
{
	const struct iov_manifest *manifest = last(universe)->manifest;
	add_gone(universe, rest);
	add_plain(universe, manifest->name, manifest->version.text, "another");
}

static void add_wish(struct universe *universe, char *rest)
{
	struct iov_wish *wish = &universe->wishes[universe->n_wishes++];
	wish->name = word(&rest);
	wish->requirement = rest ? requirement(universe, rest) : NULL;
	wish->why = "you asked for it";
}

static struct iov_release *find(struct universe *universe, const char *name, const char *version)
{
	for (size_t i = 0; i < universe->n_releases; i++) {
		const struct iov_manifest *manifest = universe->releases[i]->manifest;
		if (!strcmp(manifest->name, name) && !strcmp(manifest->version.text, version))
			return universe->releases[i];
	}
	ck_abort_msg("%s: no release %s %s", universe->file, name, version);
	return NULL;
}

static void add_locked(struct universe *universe, char *rest)
{
	const char *name = word(&rest);
	struct iov_release *release = iov_release_ref(find(universe, name, word(&rest)));
	unit_ok(universe->ctx, iov_generation_put_release(universe->ctx, universe->locked, release, "", NULL));
}

static void add_unlock(struct universe *universe, char *rest)
{
	universe->unlock[universe->n_unlock++] = rest;
}

static void add_expected(struct universe *universe, char *rest)
{
	universe->expected[universe->n_expected++] = rest;
}

static void add_failure(struct universe *universe, char *rest)
{
	universe->code = !strcmp(rest, "not-found") ? IOV_E_NOT_FOUND : IOV_E_CONFLICT;
}

static void add_asked(struct universe *universe, char *rest)
{
	universe->expected_asked = strtoul(rest, NULL, 10);
}

static void add_says(struct universe *universe, char *rest)
{
	universe->says[universe->n_says++] = rest;
}

static const struct {
	const char *word;
	void (*add)(struct universe *universe, char *rest);
} lines[] = {
	{"release", add_release},     {"\tneeds", add_need},	      {"\tyanked", add_yank}, {"\tgone", add_gone},
	{"\treplaced", add_replaced}, {"\tlacks", add_lack},	      {"wish", add_wish},     {"locked", add_locked},
	{"unlock", add_unlock},	      {"expect", add_expected},	      {"fails", add_failure}, {"says", add_says},
	{"asked", add_asked},	      {"\tpublished", add_published}, {"until", add_until},
};

static void read_line(struct universe *universe, char *line)
{
	const char *first = strsep(&line, " ");
	for (size_t i = 0; i < IOV_COUNT(lines); i++)
		if (!strcmp(lines[i].word, first)) {
			lines[i].add(universe, line);
			return;
		}
	ck_abort_msg("%s: '%s' is no word of a universe", universe->file, first);
}

static void read_lines(struct universe *universe, char *text)
{
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
		if (*line && *line != '#')
			read_line(universe, line);
}

static int newest_first(const void *a, const void *b)
{
	const struct iov_release *const *left = a, *const *right = b;
	return iov_version_compare(&(*right)->manifest->version, &(*left)->manifest->version);
}

/* Where a name's part of `shown` begins; a new one begins after all others. */
static size_t find_shown(const struct universe *universe, const char *name)
{
	size_t start = 0;
	while (start < UNIVERSE_MAX && universe->shown[start] &&
	       strcmp(universe->shown[start]->manifest->name, name) != 0)
		start++;
	return start;
}

/* The arrays must live until the resolution ends, so each name gets its part of `shown`. */
static int give_releases(struct iov_ctx *ctx, const char *name, struct iov_release *const **ret, size_t *ret_count,
			 void *data)
{
	(void)ctx;
	struct universe *universe = data;
	size_t start = find_shown(universe, name), end = start;
	for (size_t i = 0; i < universe->n_releases; i++)
		if (!universe->gone[i] && !strcmp(universe->releases[i]->manifest->name, name))
			universe->shown[end++] = universe->releases[i];
	qsort(universe->shown + start, end - start, sizeof(struct iov_release *), newest_first);
	*ret = universe->shown + start;
	*ret_count = end - start;
	return IOV_OK;
}

static int give_lack(struct iov_ctx *ctx, const struct iov_release *release, const struct iov_lack **ret, void *data)
{
	(void)ctx;
	struct universe *universe = data;
	size_t i = 0;
	while (universe->releases[i] != release)
		i++;
	universe->n_asked++;
	*ret = universe->lacks[i];
	return IOV_OK;
}

static void give_names(struct iov_ctx *ctx, void (*offer)(const char *name, void *to), void *to, void *data)
{
	(void)ctx;
	const struct universe *universe = data;
	for (size_t i = 0; i < universe->n_releases; i++)
		offer(universe->releases[i]->manifest->name, to);
}

static void check_plan(const struct universe *universe, const struct iov_release **releases, size_t count)
{
	iov_auto(iov_buf_release) struct iov_buf plan = {0}, expected = {0};
	for (size_t i = 0; i < count; i++)
		iov_buf_printf(&plan, "%s %s%s\n", releases[i]->manifest->name, releases[i]->manifest->version.text,
			       strcmp(releases[i]->sha256, "one") ? " (other bytes)" : "");
	for (size_t i = 0; i < universe->n_expected; i++)
		iov_buf_printf(&expected, "%s\n", universe->expected[i]);
	ck_assert_msg(plan.len == expected.len &&
			      !memcmp(plan.data ? plan.data : "", expected.data ? expected.data : "", plan.len),
		      "%s: expected\n%sgot\n%s", universe->file, expected.data ? expected.data : "",
		      plan.data ? plan.data : "");
}

int universe_resolve(struct universe *universe, const struct iov_release ***ret, size_t *ret_count)
{
	const struct iov_resolve_request request = {.wishes = universe->wishes,
						    .n_wishes = universe->n_wishes,
						    .locked = universe->locked,
						    .unlock = universe->unlock,
						    .n_unlock = universe->n_unlock,
						    .until = universe->until,
						    .ret_derivation = &universe->derivation};
	const struct iov_provider provider = {
		.releases = give_releases, .names = give_names, .lacks = give_lack, .data = universe};
	return iov_resolve(universe->ctx, &request, &provider, ret, ret_count);
}

void universe_check(struct universe *universe)
{
	const struct iov_release **plan = NULL;
	size_t count = 0;
	int code = universe_resolve(universe, &plan, &count);
	ck_assert_msg(code == universe->code, "%s: code %d, '%s'", universe->file, code, iov_error_text(universe->ctx));
	for (size_t i = 0; i < universe->n_says; i++)
		ck_assert_msg(strstr(iov_error_text(universe->ctx), universe->says[i]), "%s: '%s' is not in '%s'",
			      universe->file, universe->says[i], iov_error_text(universe->ctx));
	ck_assert_msg((code == IOV_OK) == (universe->n_says == 0), "%s: 'says' goes with 'fails'", universe->file);
	check_plan(universe, plan, count);
	ck_assert_msg(!universe->expected_asked || universe->n_asked == universe->expected_asked,
		      "%s: the kernel was asked about %zu releases", universe->file, universe->n_asked);
	free(plan);
}

void universe_free(struct universe *universe)
{
	iov_generation_free(universe->locked);
	json_decref(universe->derivation);
	for (size_t i = 0; i < universe->n_wishes; i++)
		iov_requirement_free((struct iov_requirement *)universe->wishes[i].requirement);
	for (size_t i = 0; i < universe->n_releases; i++) {
		free(universe->lacks[i] ? (char *)universe->lacks[i]->text : NULL);
		free(universe->lacks[i]);
		iov_release_free(universe->releases[i]);
	}
	free(universe);
}

struct universe *universe_read(struct iov_ctx *ctx, const char *file, char *text)
{
	struct universe *universe = calloc(1, sizeof(*universe));
	ck_assert_ptr_nonnull(universe);
	universe->ctx = ctx;
	universe->file = file;
	universe->locked = calloc(1, sizeof(*universe->locked));
	read_lines(universe, text);
	return universe;
}
