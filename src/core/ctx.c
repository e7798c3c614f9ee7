#include "core/ctx.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/cleanup.h"

#ifndef IOV_LIBEXECDIR
#define IOV_LIBEXECDIR "/usr/libexec/iovpkg"
#endif

static const char no_memory[] = "out of memory";

/* An absolute path without its trailing slashes; "" stands for the live host. */
static char *normal_root(const char *root)
{
	if (!root || !*root)
		return strdup("");
	char *whole = NULL;
	if (root[0] == '/') {
		whole = strdup(root);
	} else {
		iov_auto(iov_free_ptr) char *here = getcwd(NULL, 0);
		if (!here || asprintf(&whole, "%s/%s", here, root) < 0)
			return NULL;
	}
	for (size_t len = whole ? strlen(whole) : 0; len && whole[len - 1] == '/'; len--)
		whole[len - 1] = '\0';
	return whole;
}

int iov_ctx_new(const struct iov_config *config, struct iov_ctx **ret)
{
	struct iov_ctx *ctx = calloc(1, sizeof(*ctx));
	if (!ctx) {
		*ret = NULL;
		return IOV_E_INTERNAL;
	}
	if (config)
		ctx->config = *config;
	ctx->root = normal_root(ctx->config.root);
	ctx->worker = strdup(ctx->config.worker ? ctx->config.worker : IOV_LIBEXECDIR "/iovpkg-worker");
	ctx->config.root = ctx->root;
	ctx->config.worker = ctx->worker;
	*ret = ctx;
	return ctx->root && ctx->worker ? IOV_OK : iov_oom(ctx);
}

void iov_ctx_free(struct iov_ctx *ctx)
{
	if (!ctx)
		return;
	if (ctx->credentials)
		ctx->free_credentials(ctx->credentials);
	free(ctx->root);
	free(ctx->worker);
	free(ctx->derivation);
	if (ctx->error != no_memory)
		free(ctx->error);
	free(ctx);
}

enum iov_code iov_error_code(const struct iov_ctx *ctx)
{
	return ctx->code;
}

const char *iov_error_text(const struct iov_ctx *ctx)
{
	return ctx->error ? ctx->error : "";
}

const char *iov_error_derivation(const struct iov_ctx *ctx)
{
	return ctx->derivation;
}

const char *iov_version(void)
{
	return IOV_VERSION;
}

void iov_error_derive(struct iov_ctx *ctx, char *derivation)
{
	free(ctx->derivation);
	ctx->derivation = derivation;
}

/* Takes the text over; NULL says that there was no memory for it. */
static int set_error(struct iov_ctx *ctx, enum iov_code code, char *text)
{
	if (ctx->error != no_memory)
		free(ctx->error);
	ctx->error = text ? text : (char *)no_memory;
	ctx->code = code;
	iov_error_derive(ctx, NULL);
	return code;
}

int(iov_error)(struct iov_ctx *ctx, enum iov_code code, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return set_error(ctx, code, text);
}

static enum iov_code code_of_errno(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
	case ENOMEM:
		return IOV_E_SPACE;
	case EACCES:
	case EPERM:
		return IOV_E_PERMISSION;
	default:
		return IOV_E_IO;
	}
}

int(iov_error_errno)(struct iov_ctx *ctx, int err, const char *format, ...)
{
	err = err < 0 ? -err : err;
	struct iov_buf text = {0};
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&text, format, args);
	va_end(args);
	iov_buf_printf(&text, ": %s", strerror(err));
	return set_error(ctx, code_of_errno(err), iov_buf_take(&text));
}

int(iov_oom)(struct iov_ctx *ctx)
{
	return set_error(ctx, IOV_E_SPACE, NULL);
}

int(iov_error_prefix)(struct iov_ctx *ctx, const char *format, ...)
{
	struct iov_buf text = {0};
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&text, format, args);
	va_end(args);
	iov_buf_printf(&text, ": %s", iov_error_text(ctx));
	char *derivation = iov_take(ctx->derivation);
	int rc = set_error(ctx, ctx->code, iov_buf_take(&text));
	iov_error_derive(ctx, derivation);
	return rc;
}

struct iov_saved_error iov_error_save(struct iov_ctx *ctx)
{
	struct iov_saved_error saved = {.code = ctx->code, .text = ctx->error, .derivation = ctx->derivation};
	ctx->code = IOV_OK;
	ctx->error = NULL;
	ctx->derivation = NULL;
	return saved;
}

int iov_error_restore(struct iov_ctx *ctx, struct iov_saved_error saved)
{
	if (saved.code) {
		set_error(ctx, saved.code, saved.text);
		iov_error_derive(ctx, saved.derivation);
		return saved.code;
	}
	iov_error_derive(ctx, NULL);
	if (ctx->error != no_memory)
		free(ctx->error);
	ctx->error = NULL;
	return ctx->code = IOV_OK;
}

char *iov_path(const struct iov_ctx *ctx, const char *format, ...)
{
	struct iov_buf path = {0};
	iov_buf_puts(&path, ctx->root);
	va_list args;
	va_start(args, format);
	iov_buf_vprintf(&path, format, args);
	va_end(args);
	return iov_buf_take(&path);
}

static void emit(struct iov_ctx *ctx, const struct iov_event *event)
{
	if (ctx->config.event)
		ctx->config.event(event, ctx->config.data);
}

static void emit_text(struct iov_ctx *ctx, enum iov_event_kind kind, const char *format, va_list args)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_vprintf(&text, format, args);
	emit(ctx, &(struct iov_event){.kind = kind, .text = iov_buf_failed(&text) ? format : text.data});
}

void iov_note(struct iov_ctx *ctx, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	emit_text(ctx, IOV_EVENT_NOTE, format, args);
	va_end(args);
}

void iov_warn(struct iov_ctx *ctx, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	emit_text(ctx, IOV_EVENT_WARNING, format, args);
	va_end(args);
}

void iov_step(struct iov_ctx *ctx, const char *verb, const char *subject)
{
	emit(ctx, &(struct iov_event){.kind = IOV_EVENT_STEP, .text = verb, .subject = subject});
}

void iov_progress(struct iov_ctx *ctx, const char *verb, const char *subject, uint64_t done, uint64_t total)
{
	emit(ctx, &(struct iov_event){
			  .kind = IOV_EVENT_PROGRESS, .text = verb, .subject = subject, .done = done, .total = total});
}

void iov_progress_bytes(struct iov_ctx *ctx, const char *verb, const char *subject, uint64_t done, uint64_t total)
{
	emit(ctx, &(struct iov_event){.kind = IOV_EVENT_PROGRESS,
				      .text = verb,
				      .subject = subject,
				      .done = done,
				      .total = total,
				      .bytes = true});
}

void iov_done(struct iov_ctx *ctx, const char *verb, const char *subject)
{
	emit(ctx, &(struct iov_event){.kind = IOV_EVENT_DONE, .text = verb, .subject = subject});
}

int iov_stop_asked(struct iov_ctx *ctx)
{
	if (!ctx->config.stop || !ctx->config.stop(ctx->config.data))
		return IOV_OK;
	return iov_error(ctx, IOV_E_STOPPED, "stopped, as you asked; nothing was changed");
}

void iov_changing(struct iov_ctx *ctx, bool changing)
{
	if (ctx->config.changing)
		ctx->config.changing(changing, ctx->config.data);
}
