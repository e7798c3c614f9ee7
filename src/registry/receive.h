/*
 * The conversation between git receive-pack and its hook proc-receive (githooks(5), version 1): git names the refs that
 * a push wants to change, the hook answers for each of them, and git tells the one who pushes. By then the objects are
 * in the repository; no ref is, unless the hook makes one or says to fall through.
 */
#ifndef IOV_REGISTRY_RECEIVE_H
#define IOV_REGISTRY_RECEIVE_H

#include "core/ctx.h"
#include "registry/source.h"

#define IOV_PUSH_REFS_MAX 256 /* in one push: each is judged at once, while somebody waits */

/* One ref that a push wants to move, make (`from` all zeros) or delete (`to` all zeros). */
struct iov_push {
	char from[IOV_COMMIT_SIZE], to[IOV_COMMIT_SIZE];
	char *ref; /* owned */
};

struct iov_pushes {
	struct iov_push *items;
	size_t count;
};

/* Greets git on `out`, and reads all that it asks on `in`. IOV_E_INPUT on any deviation. */
int iov_receive_begin(struct iov_ctx *ctx, int in, int out, struct iov_pushes *ret);
void iov_pushes_release(struct iov_pushes *pushes);
bool iov_push_deletes(const struct iov_push *push);

/* The answers: done; refused with a reason, whose control characters become spaces; git itself is to move the ref. */
int iov_receive_ok(struct iov_ctx *ctx, int out, const char *ref);
int iov_receive_refuse(struct iov_ctx *ctx, int out, const char *ref, const char *reason);
int iov_receive_pass(struct iov_ctx *ctx, int out, const char *ref);
int iov_receive_end(struct iov_ctx *ctx, int out);

#endif
