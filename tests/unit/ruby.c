#include "ruby.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENTS_MAX 16

/* A number, or a word, which comes before every number. */
struct segment {
	bool is_word;
	long number;
	char word[24];
};

struct version {
	struct segment segments[SEGMENTS_MAX];
	unsigned count;
};

static const char *read_segment(const char *text, struct segment *segment)
{
	size_t len = 0;
	*segment = (struct segment){.is_word = isalpha((unsigned char)*text)};
	while (segment->is_word ? isalpha((unsigned char)text[len]) : isdigit((unsigned char)text[len]))
		len++;
	if (len >= sizeof(segment->word))
		abort(); /* an assertion of Check writes to a file, and this is called millions of times */
	memcpy(segment->word, text, len);
	segment->number = strtol(segment->word, NULL, 10);
	return text + len;
}

/* A hyphen begins a pre-release, as ".pre." does. */
static struct version parse(const char *text)
{
	struct version version = {0};
	while (*text && *text != ' ' && *text != ',') {
		if (version.count + 1 >= SEGMENTS_MAX)
			abort();
		if (*text == '-')
			version.segments[version.count++] = (struct segment){.is_word = true, .word = "pre"};
		if (isalnum((unsigned char)*text))
			text = read_segment(text, &version.segments[version.count++]);
		else
			text++;
	}
	return version;
}

static int compare_segments(const struct segment *a, const struct segment *b)
{
	if (a->is_word != b->is_word)
		return a->is_word ? -1 : 1;
	if (a->is_word)
		return strcmp(a->word, b->word);
	return a->number < b->number ? -1 : a->number > b->number;
}

static int compare(const struct version *a, const struct version *b)
{
	for (unsigned i = 0; i < SEGMENTS_MAX; i++) { /* missing ones are 0 */
		int order = compare_segments(&a->segments[i], &b->segments[i]);
		if (order)
			return order;
	}
	return 0;
}

int ruby_compare(const char *a, const char *b)
{
	struct version left = parse(a), right = parse(b);
	return compare(&left, &right);
}

/* The numbers before the first word. */
static struct version release_of(struct version version)
{
	for (unsigned i = 0; i < version.count; i++)
		if (version.segments[i].is_word) {
			memset(&version.segments[i], 0, (version.count - i) * sizeof(version.segments[i]));
			version.count = i;
		}
	return version;
}

bool ruby_is_prerelease(const char *text)
{
	struct version version = parse(text);
	return release_of(version).count != version.count;
}

/* What "~>" stays below: the last number dropped, the one before it one up. */
static struct version bump(struct version version)
{
	version = release_of(version);
	if (version.count > 1)
		version.segments[--version.count] = (struct segment){0};
	version.segments[version.count - 1].number++;
	return version;
}

static bool is_tilde(const struct version *version, const struct version *other)
{
	struct version release = release_of(*version), end = bump(*other);
	return compare(version, other) >= 0 && compare(&release, &end) < 0;
}

static bool is_met(const char *operator, size_t len, const struct version *version, const struct version *other)
{
	int order = compare(version, other);
	if (len == 2 && !strncmp(operator, "~>", 2))
		return is_tilde(version, other);
	if (len == 2 && !strncmp(operator, "!=", 2))
		return order != 0;
	if (!len)
		return order == 0;
	return (order < 0 && memchr(operator, '<', len)) || (order > 0 && memchr(operator, '>', len)) ||
	       (order == 0 && memchr(operator, '=', len));
}

bool ruby_matches(const char *requirement, const char *text)
{
	struct version version = parse(text);
	bool asked = !ruby_is_prerelease(text);
	for (const char *at = requirement; *at;) {
		at += strspn(at, " ,");
		size_t len = strspn(at, "<>=!~");
		const char *number = at + len + strspn(at + len, " ");
		struct version other = parse(number);
		if (*number && !is_met(at, len, &version, &other))
			return false;
		asked |= release_of(other).count != other.count;
		at = number + strcspn(number, ",");
	}
	return asked;
}
