#include "registry/listing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"

static bool is_listed_name(const char *text, size_t len)
{
	if (!len || len > IOV_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", text[i]) || !text[i])
			return false;
	return true;
}

/* Decimal without leading zeros, to the end of the line. */
static bool parse_size(const char *text, size_t len, uint64_t *ret)
{
	char digits[16];
	if (!len || len >= sizeof(digits) || (text[0] == '0' && len > 1))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (strspn(digits, "0123456789") != len)
		return false;
	*ret = strtoull(digits, NULL, 10);
	return true;
}

static bool parse_line(const char *line, size_t len, struct iov_listed *ret)
{
	const char *space = memchr(line, ' ', len);
	if (!space || !is_listed_name(line, (size_t)(space - line)))
		return false;
	const char *sha256 = space + 1;
	size_t left = len - (size_t)(sha256 - line);
	if (left < IOV_HEX_SIZE + 1 || sha256[IOV_HEX_SIZE - 1] != ' ')
		return false;
	*ret = (struct iov_listed){.size = 0};
	memcpy(ret->name, line, (size_t)(space - line));
	memcpy(ret->sha256, sha256, IOV_HEX_SIZE - 1);
	return iov_is_sha256_hex(ret->sha256) && parse_size(sha256 + IOV_HEX_SIZE, left - IOV_HEX_SIZE, &ret->size);
}

static size_t count_lines(const char *text, size_t len)
{
	size_t lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static int refuse(struct iov_ctx *ctx, const char *what, size_t line)
{
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "line %zu of %s is not a sorted line 'NAME SHA256 LENGTH'; tell the registry's host", line,
			 what);
}

static int parse_lines(struct iov_ctx *ctx, const char *what, const char *text, size_t len, struct iov_listing *listing)
{
	for (const char *at = text, *end = text + len; at < end; listing->count++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		struct iov_listed *item = &listing->items[listing->count];
		if (!newline || !parse_line(at, (size_t)(newline - at), item))
			return refuse(ctx, what, listing->count + 1);
		if (listing->count && strcmp(item[-1].name, item->name) >= 0)
			return refuse(ctx, what, listing->count + 1);
		at = newline + 1;
	}
	return IOV_OK;
}

int iov_listing_parse(struct iov_ctx *ctx, const char *what, const char *text, size_t len, struct iov_listing *ret)
{
	struct iov_listing listing = {.items = calloc(count_lines(text, len) + 1, sizeof(struct iov_listed))};
	if (!listing.items)
		return iov_oom(ctx);
	int rc = parse_lines(ctx, what, text, len, &listing);
	if (rc)
		iov_listing_release(&listing);
	else
		*ret = listing;
	return rc;
}

void iov_listing_release(struct iov_listing *listing)
{
	free(listing->items);
	*listing = (struct iov_listing){0};
}

static int by_name(const void *name, const void *item)
{
	return strcmp(name, ((const struct iov_listed *)item)->name);
}

const struct iov_listed *iov_listing_find(const struct iov_listing *listing, const char *name)
{
	return listing->count ? bsearch(name, listing->items, listing->count, sizeof(*listing->items), by_name) : NULL;
}

/* Makes room for a new name where it sorts. */
static struct iov_listed *insert(struct iov_listing *listing, const char *name)
{
	struct iov_listed *items = realloc(listing->items, (listing->count + 1) * sizeof(*items));
	if (!items)
		return NULL;
	listing->items = items;
	size_t at = 0;
	while (at < listing->count && strcmp(items[at].name, name) < 0)
		at++;
	memmove(items + at + 1, items + at, (listing->count - at) * sizeof(*items));
	listing->count++;
	items[at] = (struct iov_listed){.size = 0};
	memcpy(items[at].name, name, strlen(name));
	return &items[at];
}

int iov_listing_put(struct iov_ctx *ctx, struct iov_listing *listing, const char *name, const struct iov_listed *as)
{
	if (!is_listed_name(name, strlen(name)))
		return iov_error(ctx, IOV_E_INPUT, "'%s' is no name that an index can list", name);
	struct iov_listed *item = (struct iov_listed *)iov_listing_find(listing, name);
	if (!item)
		item = insert(listing, name);
	if (!item)
		return iov_oom(ctx);
	memcpy(item->sha256, as->sha256, sizeof(item->sha256));
	item->size = as->size;
	return IOV_OK;
}

int iov_listing_set(struct iov_ctx *ctx, struct iov_listing *listing, const char *name, const void *data, size_t len)
{
	struct iov_listed as = {.size = len};
	iov_sha256_hex(data, len, as.sha256);
	return iov_listing_put(ctx, listing, name, &as);
}

int iov_listing_text(struct iov_ctx *ctx, const struct iov_listing *listing, struct iov_buf *ret)
{
	iov_buf_add(ret, "", 0);
	for (size_t i = 0; i < listing->count; i++)
		iov_buf_printf(ret, "%s %s %llu\n", listing->items[i].name, listing->items[i].sha256,
			       (unsigned long long)listing->items[i].size);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

bool iov_listed_is(const struct iov_listed *listed, const void *data, size_t len)
{
	char sha256[IOV_HEX_SIZE];
	iov_sha256_hex(data, len, sha256);
	return len == listed->size && !strcmp(sha256, listed->sha256);
}

void iov_index_place(const char *name, struct iov_index_place *ret)
{
	char hex[IOV_HEX_SIZE];
	iov_sha256_hex(name, strlen(name), hex);
	*ret = (struct iov_index_place){.shard = ""};
	snprintf(ret->shard, sizeof(ret->shard), "%.2s", hex);
	snprintf(ret->shard_path, sizeof(ret->shard_path), "manifest/%.2s", hex);
	snprintf(ret->index_path, sizeof(ret->index_path), "index/%.2s/%.2s/%.64s", hex, hex + 2, name);
}
