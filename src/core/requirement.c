#include "core/version.h"

#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

#define COMPARATORS_MAX 32
#define REQUIREMENT_MAX 512 /* bytes; far over what COMPARATORS_MAX sane comparators need */

struct comparator {
	bool (*matches)(const struct comparator *comparator, const struct iov_version *version);
	struct iov_version version; /* parts that were not given are 0 */
	unsigned parts;		    /* how many of major, minor and patch were given */
};

struct iov_requirement {
	char *text;
	struct comparator *items; /* none: "*" */
	size_t count;
};

/* Compares the first `parts` numbers. */
static int compare_parts(const struct iov_version *a, const struct iov_version *b, unsigned parts)
{
	const uint64_t left[] = {a->major, a->minor, a->patch}, right[] = {b->major, b->minor, b->patch};
	for (unsigned i = 0; i < parts && i < 3; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

/* Where a version lies: before (<0), within (0) or after (>0) what the comparator names; "1.2" names all of 1.2.x. */
static int compare_to(const struct iov_version *version, const struct comparator *comparator)
{
	if (comparator->parts == 3)
		return iov_version_compare(version, &comparator->version);
	return compare_parts(version, &comparator->version, comparator->parts);
}

static bool is_less(const struct comparator *comparator, const struct iov_version *version)
{
	return compare_to(version, comparator) < 0;
}

static bool is_greater(const struct comparator *comparator, const struct iov_version *version)
{
	return compare_to(version, comparator) > 0;
}

static bool is_exact(const struct comparator *comparator, const struct iov_version *version)
{
	return compare_to(version, comparator) == 0 && (comparator->parts == 3 || !version->prerelease_len);
}

static bool is_at_most(const struct comparator *comparator, const struct iov_version *version)
{
	return is_less(comparator, version) || is_exact(comparator, version);
}

static bool is_at_least(const struct comparator *comparator, const struct iov_version *version)
{
	return is_greater(comparator, version) || is_exact(comparator, version);
}

static bool is_tilde(const struct comparator *comparator, const struct iov_version *version)
{
	unsigned fixed = comparator->parts < 2 ? comparator->parts : 2;
	return !compare_parts(version, &comparator->version, fixed) && is_at_least(comparator, version);
}

/* The leftmost number that is not 0 stays as it is; of "0" and "0.0" all that was given stays. */
static bool is_caret(const struct comparator *comparator, const struct iov_version *version)
{
	unsigned fixed = comparator->version.major ? 1 : comparator->version.minor ? 2 : 3;
	if (fixed > comparator->parts)
		fixed = comparator->parts;
	return !compare_parts(version, &comparator->version, fixed) && !is_less(comparator, version);
}

static const struct {
	const char *text;
	bool (*matches)(const struct comparator *comparator, const struct iov_version *version);
} operators[] = {
	/* those of two characters first */
	{">=", is_at_least}, {"<=", is_at_most}, {"^", is_caret}, {"~", is_tilde},
	{"=", is_exact},     {">", is_greater},	 {"<", is_less},
};

static int bad(struct iov_ctx *ctx, const char *text, const char *what)
{
	return iov_error(ctx, IOV_E_INPUT,
			 "'%s' is not a requirement: %s; write it as in ^1.2, ~1.2.3, >=1.2, <2 or =1.2.3", text, what);
}

static char *skip_operator(char *text, struct comparator *comparator)
{
	for (size_t i = 0; i < IOV_COUNT(operators); i++) {
		size_t len = strlen(operators[i].text);
		if (!strncmp(text, operators[i].text, len)) {
			comparator->matches = operators[i].matches;
			return text + len + strspn(text + len, " ");
		}
	}
	return text;
}

static bool is_wildcard(const char *text)
{
	return *text && strchr("*xX", *text) && (text[1] == '.' || !text[1]);
}

/* Cuts "1.2.*" to "1.2" and "*" to ""; false when something else than wildcards follows one, or a fourth part. */
static bool cut_wildcards(char *text, bool *ret_cut)
{
	char *at = text;
	unsigned parts = 0;
	for (; *at && !is_wildcard(at); parts++) {
		at += strcspn(at, ".");
		at += *at == '.';
	}
	*ret_cut = *at != '\0';
	if (!*at)
		return true;
	char *cut = at > text ? at - 1 : at; /* with the dot before it */
	for (; *at; parts++) {
		if (!is_wildcard(at))
			return false;
		at += at[1] ? 2 : 1;
	}
	*cut = '\0';
	return parts <= 3;
}

/* The numbers that are given, before any pre-release or build metadata. */
static unsigned count_parts(const char *text)
{
	unsigned parts = 1;
	for (size_t i = 0, end = strcspn(text, "-+"); i < end; i++)
		parts += text[i] == '.';
	return parts;
}

/* `number` is what follows the operator. Missing numbers are filled with 0, so that the version parser checks the rest.
 */
static int parse_partial(struct iov_ctx *ctx, const char *whole, char *number, struct comparator *comparator)
{
	bool cut;
	if (!cut_wildcards(number, &cut))
		return bad(ctx, whole, "a '*' stands last, for MINOR or PATCH");
	if (cut && !*number)
		return bad(ctx, whole, "a '*' in the first place stands alone, without an operator");
	if (!comparator->matches)
		comparator->matches = cut ? is_exact : is_caret;
	comparator->parts = count_parts(number);
	if (comparator->parts < 3 && strpbrk(number, "-+"))
		return bad(ctx, whole, "a pre-release needs all three numbers before it");
	char full[REQUIREMENT_MAX + 8];
	snprintf(full, sizeof(full), "%s%s", number,
		 comparator->parts == 1	  ? ".0.0"
		 : comparator->parts == 2 ? ".0"
					  : "");
	if (iov_version_parse(ctx, full, &comparator->version))
		return iov_error_prefix(ctx, "in requirement '%s'", whole);
	return IOV_OK;
}

static int parse_comparator(struct iov_ctx *ctx, const char *whole, char *text, struct comparator *comparator)
{
	text += strspn(text, " ");
	for (size_t len = strlen(text); len && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
	if (!*text)
		return bad(ctx, whole, "a comparator is missing");
	char *number = skip_operator(text, comparator);
	if (strchr(number, ' ') || strchr(number, '|'))
		return bad(ctx, whole, "comparators are joined by commas, and there is no 'or'");
	return parse_partial(ctx, whole, number, comparator);
}

static int parse_all(struct iov_ctx *ctx, struct iov_requirement *requirement)
{
	iov_auto(iov_free_ptr) char *copy = strdup(requirement->text);
	if (!copy)
		return iov_oom(ctx);
	for (char *rest = copy, *item; (item = strsep(&rest, ","));) {
		int err = parse_comparator(ctx, requirement->text, item, &requirement->items[requirement->count++]);
		if (err)
			return err;
	}
	return IOV_OK;
}

static size_t count_comparators(const char *text)
{
	size_t count = 1;
	for (; (text = strchr(text, ',')); text++)
		count++;
	return count;
}

static int fill(struct iov_ctx *ctx, struct iov_requirement *requirement, const char *text, size_t count)
{
	requirement->text = strdup(text);
	requirement->items = calloc(count, sizeof(*requirement->items));
	if (!requirement->text || !requirement->items)
		return iov_oom(ctx);
	return strcmp(text, "*") != 0 ? parse_all(ctx, requirement) : IOV_OK;
}

int iov_requirement_parse(struct iov_ctx *ctx, const char *text, struct iov_requirement **ret)
{
	size_t count = strnlen(text, REQUIREMENT_MAX + 1) > REQUIREMENT_MAX ? SIZE_MAX : count_comparators(text);
	if (count > COMPARATORS_MAX)
		return iov_error(ctx, IOV_E_INPUT,
				 "requirement '%.20s...' is too long; %d comparators and %d bytes are the most", text,
				 COMPARATORS_MAX, REQUIREMENT_MAX);
	struct iov_requirement *requirement = calloc(1, sizeof(*requirement));
	int err = requirement ? fill(ctx, requirement, text, count) : iov_oom(ctx);
	if (err) {
		iov_requirement_free(requirement);
		return err;
	}
	*ret = requirement;
	return IOV_OK;
}

void iov_requirement_free(struct iov_requirement *requirement)
{
	if (!requirement)
		return;
	free(requirement->text);
	free(requirement->items);
	free(requirement);
}

static bool names_prerelease_of(const struct comparator *comparator, const struct iov_version *version)
{
	return comparator->version.prerelease_len && !compare_parts(&comparator->version, version, 3);
}

bool iov_requirement_matches(const struct iov_requirement *requirement, const struct iov_version *version)
{
	bool asked = !version->prerelease_len;
	for (size_t i = 0; i < requirement->count; i++) {
		if (!requirement->items[i].matches(&requirement->items[i], version))
			return false;
		asked |= names_prerelease_of(&requirement->items[i], version);
	}
	return asked;
}

char *iov_requirement_of(const char *sign, const char *version)
{
	char *text = NULL;
	return asprintf(&text, "%s%.*s", sign, (int)strcspn(version, "+"), version) < 0 ? NULL : text;
}

const char *iov_requirement_text(const struct iov_requirement *requirement)
{
	return requirement->text;
}
