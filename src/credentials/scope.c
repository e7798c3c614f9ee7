#include "credentials/scope.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

#define SPARSE "sparse+"
#define HOST_MAX 253

static const struct scheme {
	const char *prefix, *name;
	unsigned port;
} schemes[] = {
	{"https://", "https", 443},
	{"ssh://", "ssh", 22},
};

/* What stands between scheme and path, still as it was written. */
struct authority {
	const char *start, *host, *end; /* host: after the last '@' */
};

static const char *skip(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncasecmp(text, prefix, len) == 0 ? text + len : text;
}

static const struct scheme *find_scheme(const char *url)
{
	for (size_t i = 0; i < IOV_COUNT(schemes); i++)
		if (skip(url, schemes[i].prefix) != url)
			return &schemes[i];
	return NULL;
}

/* As git reads it: a colon before the first slash, and no "://". */
static bool is_scp(const char *url)
{
	size_t len = strcspn(url, ":/");
	return len && url[len] == ':' && strncmp(url + len, "://", 3) != 0;
}

static struct authority authority_at(const char *start, const char *ends)
{
	struct authority found = {start, start, start + strcspn(start, ends)};
	for (const char *at = start; at < found.end; at++)
		if (*at == '@')
			found.host = at + 1;
	return found;
}

/* ---- the parts -------------------------------------------------------------------------------------------------- */

static int doubtful(struct iov_ctx *ctx, const char *why)
{
	return iov_error(ctx, IOV_E_INPUT, "a URL for https or ssh %s; write it as https://HOST[:PORT]/PATH", why);
}

static bool is_host(const char *text, size_t len)
{
	bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
	if (!len || len > HOST_MAX)
		return false;
	for (size_t i = bracketed; i < len - bracketed; i++)
		if (bracketed ? !isxdigit((unsigned char)text[i]) && !strchr(":.", text[i])
			      : !isalnum((unsigned char)text[i]) && !strchr("-._", text[i]))
			return false;
	return true;
}

static bool parse_port(const char *text, const char *end, unsigned *ret)
{
	unsigned port = 0;
	if (text == end || end - text > 5)
		return false;
	for (; text < end; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		port = port * 10 + (unsigned)(*text - '0');
	}
	*ret = port;
	return port > 0 && port <= 65535;
}

static int parse_host(struct iov_ctx *ctx, const struct authority *authority, struct iov_scope *scope)
{
	const char *start = authority->host, *end = authority->end, *colon = end;
	for (const char *at = end; at > start && at[-1] != ']'; at--)
		if (at[-1] == ':')
			colon = at - 1;
	unsigned usual = scope->port;
	if (!is_host(start, (size_t)(colon - start)))
		return doubtful(ctx, "has a host that is no plain name or address");
	if (colon < end && !parse_port(colon + 1, end, &scope->port))
		return doubtful(ctx, "has a port that is no number from 1 to 65535");
	scope->other_port = scope->port != usual;
	scope->host = strndup(start, (size_t)(colon - start));
	for (char *at = scope->host; at && *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return scope->host ? IOV_OK : iov_oom(ctx);
}

static int hex(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* In scope; false for an escape that is none, or hides a NUL. */
static bool unescape(char *text)
{
	char *to = text;
	for (; *text; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		int high = hex(text[1]), low = high < 0 ? -1 : hex(text[2]);
		if (low < 0 || !(high | low))
			return false;
		*to++ = (char)(high << 4 | low);
		text += 2;
	}
	*to = '\0';
	return true;
}

/* No "." or "..", no backslash, which some servers take for a slash. */
static bool stays_below(const char *path)
{
	for (const char *at = path; *at;) {
		size_t len = strcspn(at, "/");
		if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += len;
		at += strspn(at, "/");
	}
	return !strchr(path, '\\');
}

/* One slash between segments, none at the ends. */
static void tidy(char *path)
{
	char *to = path;
	for (const char *at = path; *at; at++)
		if (*at != '/' || (to > path && to[-1] != '/'))
			*to++ = *at;
	while (to > path && to[-1] == '/')
		to--;
	*to = '\0';
}

static int parse_path(struct iov_ctx *ctx, const char *text, struct iov_scope *scope)
{
	scope->path = strndup(text, strcspn(text, "?#"));
	if (!scope->path)
		return iov_oom(ctx);
	bool escaped = !strcmp(scope->scheme, "https");
	if ((escaped && !unescape(scope->path)) || !stays_below(scope->path))
		return doubtful(ctx, "has '.', '..', '\\' or a broken escape in its path");
	tidy(scope->path);
	return IOV_OK;
}

/* ---- whole ------------------------------------------------------------------------------------------------------ */

static int parse_parts(struct iov_ctx *ctx, const struct authority *authority, const char *path,
		       struct iov_scope *scope)
{
	if (authority->host > authority->start) {
		scope->user = strndup(authority->start, (size_t)(authority->host - authority->start - 1));
		if (!scope->user)
			return iov_oom(ctx);
	}
	int rc = parse_host(ctx, authority, scope);
	return rc ? rc : parse_path(ctx, path, scope);
}

int iov_scope_parse(struct iov_ctx *ctx, const char *url, struct iov_scope *ret)
{
	struct iov_scope scope = {.scheme = NULL};
	url = skip(url, SPARSE);
	const struct scheme *scheme = find_scheme(url);
	bool scp = !scheme && is_scp(url);
	*ret = scope;
	if (!scheme && !scp)
		return IOV_OK;
	int rc = iov_scope_refuse_secret(ctx, url);
	if (rc)
		return rc;
	struct authority authority = authority_at(scp ? url : url + strlen(scheme->prefix), scp ? ":" : "/?#");
	scope.scheme = scp ? "ssh" : scheme->name;
	scope.port = scp ? 22 : scheme->port;
	rc = parse_parts(ctx, &authority, authority.end + scp, &scope);
	if (rc)
		iov_scope_release(&scope);
	else
		*ret = scope;
	return rc;
}

void iov_scope_release(struct iov_scope *scope)
{
	free(scope->host);
	free(scope->user);
	free(scope->path);
	*scope = (struct iov_scope){.scheme = NULL};
}

static bool is_below(const char *area, const char *path)
{
	size_t len = strlen(area);
	return !len || (!strncmp(path, area, len) && (!path[len] || path[len] == '/'));
}

bool iov_scope_covers(const struct iov_scope *area, const struct iov_scope *scope)
{
	return area->scheme && scope->scheme && !strcmp(area->scheme, scope->scheme) &&
	       !strcmp(area->host, scope->host) && area->port == scope->port && is_below(area->path, scope->path) &&
	       (!area->user || (scope->user && !strcmp(area->user, scope->user)));
}

/* The name of a user is no secret in ssh, which cannot do without; over HTTP many servers take a token for one. */
int iov_scope_refuse_secret(struct iov_ctx *ctx, const char *url)
{
	const char *start = strstr(url, "://");
	if (!start)
		return IOV_OK;
	struct authority authority = authority_at(start + 3, "/?#");
	size_t len = authority.host > authority.start ? (size_t)(authority.host - authority.start - 1) : 0;
	bool http = skip(skip(url, SPARSE), "http") != skip(url, SPARSE);
	if (!len || (!http && !memchr(authority.start, ':', len)))
		return IOV_OK;
	return iov_error(ctx, IOV_E_USAGE,
			 "the URL '%.*s...@%.*s' has a user, password or token in it, which would stand in files and "
			 "logs; leave that out, write a credential for the place to '%s" IOV_ETC
			 "/credentials.yaml', and change the secret, since this command line may have been seen",
			 (int)(start + 3 - url), url, (int)(authority.end - authority.host), authority.host, ctx->root);
}
