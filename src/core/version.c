#include "core/version.h"

#include <string.h>

/* 2^53 - 1: the largest number that the JSON readers of all languages hold exactly. */
#define NUMBER_MAX ((1ull << 53) - 1)

#define DIGITS "0123456789"
#define IDENTIFIER DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"

/* The scanners move *at past what they read; they give what is wrong at *at, or NULL. */
static const char *scan_number(const char **at, uint64_t *ret)
{
	size_t len = strspn(*at, DIGITS);
	if (!len)
		return "a number is missing";
	if (len > 1 && **at == '0')
		return "a number has a leading zero";
	uint64_t value = 0;
	for (const char *end = *at + len; *at < end; (*at)++) {
		value = value * 10 + (uint64_t)(**at - '0');
		if (value > NUMBER_MAX)
			return "the number is too large";
	}
	*ret = value;
	return NULL;
}

static const char *scan_numbers(const char **at, struct iov_version *version)
{
	uint64_t *parts[] = {&version->major, &version->minor, &version->patch};
	for (size_t i = 0; i < 3; i++) {
		if (i && **at != '.')
			return i == 1 ? "MINOR and PATCH are missing" : "PATCH is missing";
		*at += i > 0;
		const char *wrong = scan_number(at, parts[i]);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static const char *scan_identifiers(const char **at, bool zeros_allowed)
{
	for (;;) {
		size_t len = strspn(*at, IDENTIFIER);
		if (!len)
			return "an identifier of letters, digits and '-' is missing";
		if (!zeros_allowed && len > 1 && **at == '0' && strspn(*at, DIGITS) == len)
			return "a number has a leading zero";
		*at += len;
		if (**at != '.')
			return NULL;
		(*at)++;
	}
}

static const char *scan_version(const char *text, const char **at, struct iov_version *version)
{
	const char *wrong = scan_numbers(at, version);
	if (!wrong && **at == '-') {
		const char *start = ++*at;
		wrong = scan_identifiers(at, false);
		version->prerelease = (uint8_t)(start - text);
		version->prerelease_len = (uint8_t)(*at - start);
	}
	if (!wrong && **at == '+') {
		++*at;
		wrong = scan_identifiers(at, true);
	}
	return wrong || !**at ? wrong : "nothing more was expected";
}

int iov_version_parse(struct iov_ctx *ctx, const char *text, struct iov_version *ret)
{
	size_t len = strnlen(text, IOV_VERSION_MAX + 1);
	if (len > IOV_VERSION_MAX)
		return iov_error(ctx, IOV_E_INPUT, "version '%.20s...' is longer than %d bytes; shorten it", text,
				 IOV_VERSION_MAX);
	struct iov_version version = {0};
	const char *at = text;
	const char *wrong = scan_version(text, &at, &version);
	if (wrong)
		return iov_error(
			ctx, IOV_E_INPUT,
			"'%s' is not a version: %s at position %zu; write MAJOR.MINOR.PATCH, as in 1.2.0 or 2.0.0-rc.1",
			text, wrong, (size_t)(at - text) + 1);
	memcpy(version.text, text, len + 1);
	*ret = version;
	return IOV_OK;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Numbers come before words, and compare by value: without leading zeros the longer one is larger. */
static int compare_identifiers(const char *a, size_t a_len, const char *b, size_t b_len)
{
	bool a_number = strspn(a, DIGITS) >= a_len, b_number = strspn(b, DIGITS) >= b_len;
	if (a_number != b_number)
		return a_number ? -1 : 1;
	if (a_number && a_len != b_len)
		return compare_numbers(a_len, b_len);
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return order ? order : compare_numbers(a_len, b_len);
}

/* The part up to the next dot; *at moves behind that dot, or to the end. */
static size_t next_identifier(const char **at, const char *end)
{
	size_t len = strcspn(*at, ".+");
	*at += len;
	*at += *at < end;
	return len;
}

static int compare_prereleases(const struct iov_version *a, const struct iov_version *b)
{
	if (!a->prerelease_len || !b->prerelease_len) /* a release comes after all of its pre-releases */
		return compare_numbers(b->prerelease_len > 0, a->prerelease_len > 0);
	const char *a_at = a->text + a->prerelease, *a_end = a_at + a->prerelease_len;
	const char *b_at = b->text + b->prerelease, *b_end = b_at + b->prerelease_len;
	while (a_at < a_end && b_at < b_end) {
		const char *left = a_at, *right = b_at;
		size_t left_len = next_identifier(&a_at, a_end), right_len = next_identifier(&b_at, b_end);
		int order = compare_identifiers(left, left_len, right, right_len);
		if (order)
			return order;
	}
	return compare_numbers(a_at < a_end, b_at < b_end);
}

int iov_version_compare(const struct iov_version *a, const struct iov_version *b)
{
	int order = compare_numbers(a->major, b->major);
	if (!order)
		order = compare_numbers(a->minor, b->minor);
	if (!order)
		order = compare_numbers(a->patch, b->patch);
	return order ? order : compare_prereleases(a, b);
}
