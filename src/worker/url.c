#include "worker/url.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static const struct {
	const char *prefix;
	enum iov_url_kind kind;
} schemes[] = {
	{"file://", IOV_URL_LOCAL}, {"https://", IOV_URL_HTTP}, {"http://", IOV_URL_HTTP},
	{"git://", IOV_URL_GIT},    {"ssh://", IOV_URL_SSH},
};

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, digit | 0x20) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Percent-escapes, in place; a stray '%' stands for itself. */
static void unescape(char *text)
{
	char *to = text;
	for (; *text; text++) {
		int high = *text == '%' ? hex_digit(text[1]) : -1;
		int low = high >= 0 ? hex_digit(text[2]) : -1;
		if (low >= 0 && (high || low)) {
			*to++ = (char)(high << 4 | low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* file:///path and file://localhost/path; NULL for another host. */
static char *path_of_file_url(const char *text)
{
	const char *path = text + strlen("file://");
	if (starts_with(path, "localhost/"))
		path += strlen("localhost");
	char *copy = *path == '/' ? strdup(path) : NULL;
	if (copy)
		unescape(copy);
	return copy;
}

/* As git reads it: a colon before the first slash is a host. */
static bool is_host_colon_path(const char *text)
{
	size_t len = strcspn(text, ":/");
	return len && text[len] == ':';
}

static int unknown_scheme(struct iov_ctx *ctx, const char *text)
{
	return iov_error(ctx, IOV_E_INPUT,
			 "'%s' is not a URL that iovpkg can reach; use a path, file:///, https://, http://, git:// or "
			 "ssh://, or sparse+https:// for static files",
			 text);
}

int iov_url_parse(struct iov_ctx *ctx, const char *text, struct iov_url *ret)
{
	struct iov_url url = {.kind = IOV_URL_LOCAL};
	bool known = false;
	for (size_t i = 0; i < IOV_COUNT(schemes) && !known; i++)
		if ((known = starts_with(text, schemes[i].prefix)))
			url.kind = schemes[i].kind;
	if (!known && strstr(text, "://"))
		return unknown_scheme(ctx, text);
	if (!known && is_host_colon_path(text))
		url.kind = IOV_URL_SSH;
	bool is_file = known && url.kind == IOV_URL_LOCAL;
	if (!*text || (is_file && !(url.target = path_of_file_url(text))))
		return unknown_scheme(ctx, text);
	if (!is_file && !(url.target = strdup(text)))
		return iov_oom(ctx);
	*ret = url;
	return IOV_OK;
}

void iov_url_release(struct iov_url *url)
{
	free(url->target);
	*url = (struct iov_url){0};
}
