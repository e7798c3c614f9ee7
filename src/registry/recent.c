#include "registry/recent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

#define DIGITS_MAX 18 /* of a number in a line: below 2^63 */

void iov_recent_release(struct iov_recent *recent)
{
	free(recent->items);
	*recent = (struct iov_recent){0};
}

void iov_hash_path(const char *sha256, char ret[IOV_HASH_PATH_MAX])
{
	snprintf(ret, IOV_HASH_PATH_MAX, "by-hash/%.2s/%.64s", sha256, sha256);
}

/* ---- the list as text ---- */

/* A decimal number up to `end`, without leading zeros. */
static bool parse_number(const char **at, char end, uint64_t *ret)
{
	size_t len = strspn(*at, "0123456789");
	if (!len || len > DIGITS_MAX || (**at == '0' && len > 1) || (*at)[len] != end)
		return false;
	*ret = strtoull(*at, NULL, 10);
	*at += len + 1;
	return true;
}

/* Moves *at behind the line. */
static bool parse_line(const char **at, struct iov_recent_file *ret)
{
	uint64_t time = 0;
	if (strlen(*at) < IOV_HEX_SIZE || (*at)[IOV_HEX_SIZE - 1] != ' ')
		return false;
	*ret = (struct iov_recent_file){.head = 0};
	memcpy(ret->sha256, *at, IOV_HEX_SIZE - 1);
	*at += IOV_HEX_SIZE;
	if (!iov_is_sha256_hex(ret->sha256) || !parse_number(at, ' ', &ret->head) || !parse_number(at, '\n', &time))
		return false;
	ret->time = (int64_t)time;
	return true;
}

static int parse_lines(struct iov_ctx *ctx, const char *what, const char *text, size_t len, size_t lines,
		       struct iov_recent *recent)
{
	for (const char *at = text; at < text + len; recent->count++)
		if (recent->count == lines || !parse_line(&at, &recent->items[recent->count]))
			return iov_error(ctx, IOV_E_UNTRUSTED, "line %zu of %s is not 'SHA256 HEAD TIME'",
					 recent->count + 1, what);
	return IOV_OK;
}

int iov_recent_parse(struct iov_ctx *ctx, const char *what, const char *text, size_t len, struct iov_recent *ret)
{
	size_t lines = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	struct iov_recent recent = {.items = calloc(lines + 1, sizeof(struct iov_recent_file))};
	if (!recent.items)
		return iov_oom(ctx);
	int rc = parse_lines(ctx, what, text, len, lines, &recent);
	if (rc)
		iov_recent_release(&recent);
	else
		*ret = recent;
	return rc;
}

int iov_recent_text(struct iov_ctx *ctx, const struct iov_recent *recent, struct iov_buf *ret)
{
	iov_buf_add(ret, "", 0);
	for (size_t i = 0; i < recent->count; i++)
		iov_buf_printf(ret, "%s %" PRIu64 " %" PRId64 "\n", recent->items[i].sha256, recent->items[i].head,
			       recent->items[i].time);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

/* ---- what comes and goes ---- */

static void forget(struct iov_recent *recent, const char *sha256)
{
	for (size_t i = 0; i < recent->count; i++) {
		if (strcmp(recent->items[i].sha256, sha256) != 0)
			continue;
		recent->count--;
		memmove(recent->items + i, recent->items + i + 1, (recent->count - i) * sizeof(*recent->items));
		return;
	}
}

int iov_recent_add(struct iov_ctx *ctx, struct iov_recent *recent, const void *data, size_t len,
		   struct iov_changes *changes)
{
	char path[IOV_HASH_PATH_MAX];
	struct iov_recent_file file = {.head = 0};
	struct iov_recent_file *items = realloc(recent->items, (recent->count + 1) * sizeof(*items));
	if (!items)
		return iov_oom(ctx);
	recent->items = items;
	iov_sha256_hex(data, len, file.sha256);
	forget(recent, file.sha256);
	items[recent->count++] = file;
	iov_hash_path(file.sha256, path);
	return iov_changes_put(ctx, changes, path, data, len);
}

static bool stays(const struct iov_recent_file *file, uint64_t head, int64_t now)
{
	uint64_t age = head > file->head ? head - file->head : 0;
	return age < IOV_RECENT_HEADS || (age < IOV_RECENT_HEADS_MAX && now - file->time < IOV_RECENT_SECONDS);
}

static int write_list(struct iov_ctx *ctx, const struct iov_recent *recent, struct iov_changes *changes)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	if (!recent->count)
		return iov_changes_remove(ctx, changes, IOV_RECENT_PATH);
	int rc = iov_recent_text(ctx, recent, &text);
	return rc ? rc : iov_changes_put(ctx, changes, IOV_RECENT_PATH, text.data, text.len);
}

int iov_recent_seal(struct iov_ctx *ctx, struct iov_recent *recent, uint64_t head, int64_t now,
		    struct iov_changes *changes)
{
	int rc = IOV_OK;
	size_t kept = 0;
	for (size_t i = 0; !rc && i < recent->count; i++) {
		char path[IOV_HASH_PATH_MAX];
		struct iov_recent_file file = recent->items[i];
		if (!file.head) {
			file.head = head;
			file.time = now;
		}
		if (stays(&file, head, now)) {
			recent->items[kept++] = file;
			continue;
		}
		iov_hash_path(file.sha256, path);
		rc = iov_changes_remove(ctx, changes, path);
	}
	if (rc)
		return rc;
	recent->count = kept;
	return write_list(ctx, recent, changes);
}
