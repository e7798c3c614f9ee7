#include "registry/receive.h"

#include <stdlib.h>
#include <string.h>

#include "registry/pktline.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define REASON_MAX 4096 /* bytes: the longest of our errors, a table of two maps side by side, is shorter */

static const char version[] = "version=1";

void iov_pushes_release(struct iov_pushes *pushes)
{
	for (size_t i = 0; i < pushes->count; i++)
		free(pushes->items[i].ref);
	free(pushes->items);
	*pushes = (struct iov_pushes){0};
}

static int malformed(struct iov_ctx *ctx, const char *why)
{
	return iov_error(ctx, IOV_E_INPUT,
			 "git does not speak as a hook is spoken to: %s; the hook needs git 2.29 or newer", why);
}

/* ---- what git says ---- */

/* "version=1", and after a NUL the features that git could use; none is asked for. */
static int greet(struct iov_ctx *ctx, int in, int out, struct iov_pkt *pkt)
{
	int rc = iov_pkt_read(ctx, in, pkt);
	if (rc)
		return rc;
	size_t len = strcspn(pkt->data, "\n");
	if (pkt->flush || len != strlen(version) || memcmp(pkt->data, version, len) != 0)
		return malformed(ctx, "it does not begin with 'version=1'");
	for (size_t extra = 0; !rc && !pkt->flush; extra++)
		rc = extra > IOV_PUSH_REFS_MAX ? malformed(ctx, "its greeting does not end")
					       : iov_pkt_read(ctx, in, pkt);
	if (!rc)
		rc = iov_pkt_write(ctx, out, version, strlen(version));
	return rc ? rc : iov_pkt_flush(ctx, out);
}

/* The commit id that `*at` begins with, and the space after it. */
static bool take_id(const char **at, char ret[IOV_COMMIT_SIZE])
{
	size_t len = strspn(*at, "0123456789abcdef");
	if ((len != 40 && len != 64) || (*at)[len] != ' ')
		return false;
	memcpy(ret, *at, len);
	ret[len] = '\0';
	*at += len + 1;
	return true;
}

static int add_push(struct iov_ctx *ctx, const struct iov_pkt *pkt, struct iov_pushes *pushes)
{
	struct iov_push push = {.ref = NULL};
	const char *at = pkt->data;
	if (pushes->count == IOV_PUSH_REFS_MAX)
		return iov_error(ctx, IOV_E_INPUT, "a push changes more than %d refs; push fewer at once",
				 IOV_PUSH_REFS_MAX);
	if (strlen(pkt->data) != pkt->len || !take_id(&at, push.from) || !take_id(&at, push.to) || !*at)
		return malformed(ctx, "a line does not name two commits and a ref");
	struct iov_push *items = reallocarray(pushes->items, pushes->count + 1, sizeof(*items));
	if (!items)
		return iov_oom(ctx);
	pushes->items = items;
	push.ref = strndup(at, strcspn(at, "\n"));
	if (!push.ref)
		return iov_oom(ctx);
	items[pushes->count++] = push;
	return IOV_OK;
}

static int converse(struct iov_ctx *ctx, int in, int out, struct iov_pkt *pkt, struct iov_pushes *ret)
{
	int rc = greet(ctx, in, out, pkt);
	while (!rc && !(rc = iov_pkt_read(ctx, in, pkt)) && !pkt->flush)
		rc = add_push(ctx, pkt, ret);
	return rc;
}

int iov_receive_begin(struct iov_ctx *ctx, int in, int out, struct iov_pushes *ret)
{
	iov_auto(iov_pushes_release) struct iov_pushes pushes = {0};
	iov_auto(iov_free_ptr) struct iov_pkt *pkt = malloc(sizeof(*pkt));
	int rc = pkt ? converse(ctx, in, out, pkt, &pushes) : iov_oom(ctx);
	if (rc)
		return rc;
	*ret = pushes;
	pushes = (struct iov_pushes){0};
	return IOV_OK;
}

bool iov_push_deletes(const struct iov_push *push)
{
	return !push->to[strspn(push->to, "0")];
}

/* ---- what it is told ---- */

static int answer(struct iov_ctx *ctx, int out, const char *word, const char *ref, const char *reason)
{
	iov_auto(iov_buf_release) struct iov_buf line = {0};
	iov_buf_printf(&line, "%s %s", word, ref);
	size_t begin = line.len;
	if (reason)
		iov_buf_printf(&line, " %.*s", REASON_MAX, reason);
	if (iov_buf_failed(&line))
		return iov_oom(ctx);
	for (size_t i = begin; i < line.len; i++)
		if ((unsigned char)line.data[i] < ' ' || line.data[i] == 127)
			line.data[i] = ' ';
	return iov_pkt_write(ctx, out, line.data, line.len);
}

int iov_receive_ok(struct iov_ctx *ctx, int out, const char *ref)
{
	return answer(ctx, out, "ok", ref, NULL);
}

int iov_receive_refuse(struct iov_ctx *ctx, int out, const char *ref, const char *reason)
{
	return answer(ctx, out, "ng", ref, reason);
}

int iov_receive_pass(struct iov_ctx *ctx, int out, const char *ref)
{
	static const char fall_through[] = "option fall-through";
	int rc = iov_receive_ok(ctx, out, ref);
	return rc ? rc : iov_pkt_write(ctx, out, fall_through, strlen(fall_through));
}

int iov_receive_end(struct iov_ctx *ctx, int out)
{
	return iov_pkt_flush(ctx, out);
}
