/*
 * An edit of the host's desired state: the lock, the generation the host is at, and the one it should be at. Every
 * command that changes a host is
 *
 *   iov_edit_begin()   take the lock, end what a crash left behind, read generation N, copy it to N+1
 *   ... edit edit.to, and note in edit.named what the user named ...
 *   iov_edit_finish()  plan, ask or only show, move the kernel, answer with the plan
 *   iov_edit_release() on every path
 */
#ifndef IOV_OPS_EDIT_H
#define IOV_OPS_EDIT_H

#include "core/plan.h"
#include "engine/engine.h"

struct iov_edit {
	struct iov_ctx *ctx;
	unsigned flags;			  /* enum iov_flags */
	int lock;			  /* -1: a dry run holds none */
	struct iov_engine *engine;	  /* NULL until the kernel is needed */
	struct iov_generation *from, *to; /* owned */
	const char **named;		  /* modules and instances the user named; owned array, borrowed strings */
	size_t n_named;
	bool back;    /* `to` is what an older generation held */
	bool touched; /* `to` differs in what a plan does not show: wishes, requirements */
};

/* The two halves of begin, for who has something to do in between: take the lock; end what a crash left and read. */
int iov_edit_lock(struct iov_ctx *ctx, unsigned flags, struct iov_edit *ret);
int iov_edit_open(struct iov_edit *edit);
int iov_edit_begin(struct iov_ctx *ctx, unsigned flags, struct iov_edit *ret);
/* Makes edit->engine where it is not yet. */
int iov_edit_engine(struct iov_edit *edit);
int iov_edit_name(struct iov_edit *edit, const char *name);
int iov_edit_finish(struct iov_edit *edit, char **ret_json);
void iov_edit_release(struct iov_edit *edit);

/* The document as text for the caller; takes the reference over. */
int iov_answer(struct iov_ctx *ctx, json_t *json, char **ret_json);

#endif
