/*
 * The one context that every function above util takes first: root folder, configuration, last error, event callback.
 *
 * Errors: `return iov_error(ctx, IOV_E_..., "text", ...)` sets and returns in one statement. Texts are lower case
 * without a full stop, quote their subject and say what to do next. A foreign error is translated where it enters. The
 * first error of an operation stands; cleaning up after it must not overwrite it, so undo paths wrap themselves in
 * iov_error_save()/iov_error_restore().
 */
#ifndef IOV_CORE_CTX_H
#define IOV_CORE_CTX_H

#include <stdarg.h>

#include "iovpkg.h"

struct iov_ctx {
	char *root;   /* "" on the live host, else an absolute path without a trailing slash */
	char *worker; /* path of iovpkg-worker */
	struct iov_config config;
	unsigned patience; /* milliseconds with a slow git server, for tests; 0: as docs/worker.md says */
	enum iov_code code;
	char *error;
	char *derivation; /* of that error, as JSON text; NULL: it has none */
	/* What credentials/ has found, for as long as the context lives; NULL: nothing yet. */
	void *credentials;
	void (*free_credentials)(void *credentials);
};

int iov_error(struct iov_ctx *ctx, enum iov_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Appends ": " and the errno's text; `err` is positive or negative. ENOSPC/EDQUOT become IOV_E_SPACE, ENOMEM too,
 * EACCES/EPERM IOV_E_PERMISSION, else IOV_E_IO. */
int iov_error_errno(struct iov_ctx *ctx, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
int iov_oom(struct iov_ctx *ctx);
/* Puts "<prefix>: " before the text of the error that stands, and returns its code. */
int iov_error_prefix(struct iov_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An error is never IOV_OK, which clang's analyzer cannot see from where it is made. */
#ifdef __clang_analyzer__
#define iov_error(ctx, code, ...) (iov_error(ctx, code, __VA_ARGS__), (code))
#define iov_error_errno(...) (iov_error_errno(__VA_ARGS__), IOV_E_IO)
#define iov_oom(ctx) (iov_oom(ctx), IOV_E_INTERNAL)
#define iov_error_prefix(...) (iov_error_prefix(__VA_ARGS__), IOV_E_IO)
#endif

/* Gives the error that stands its derivation (iovpkg.h); takes the text over. */
void iov_error_derive(struct iov_ctx *ctx, char *derivation);

struct iov_saved_error {
	enum iov_code code;
	char *text, *derivation;
};
struct iov_saved_error iov_error_save(struct iov_ctx *ctx);
int iov_error_restore(struct iov_ctx *ctx, struct iov_saved_error saved); /* returns the restored code */

/* A path below the root: iov_path(ctx, "/var/lib/iovpkg/store/%s", sha). Owned by the caller; NULL: no memory. */
char *iov_path(const struct iov_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* IOV_E_STOPPED when the stop callback says so. */
int iov_stop_asked(struct iov_ctx *ctx);
/* Tells the changing callback. */
void iov_changing(struct iov_ctx *ctx, bool changing);

void iov_note(struct iov_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
void iov_warn(struct iov_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
void iov_step(struct iov_ctx *ctx, const char *verb, const char *subject);
void iov_progress(struct iov_ctx *ctx, const char *verb, const char *subject, uint64_t done, uint64_t total);
/* The same where both are bytes. */
void iov_progress_bytes(struct iov_ctx *ctx, const char *verb, const char *subject, uint64_t done, uint64_t total);
void iov_done(struct iov_ctx *ctx, const char *verb, const char *subject);

/* The fixed places below the root. */
#define IOV_STATE "/var/lib/iovpkg"
#define IOV_CACHE "/var/cache/iovpkg"
#define IOV_ETC "/etc/iovpkg"
#define IOV_BPFFS "/sys/fs/bpf"
#define IOV_PINS IOV_BPFFS "/iovpkg"

#endif
