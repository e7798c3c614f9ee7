/*
 * Where in its source an object asks for something. Facts (core/facts.h) travel without that; whoever has the object's
 * file at hand finds it out again.
 */
#ifndef IOV_CHECK_SOURCES_H
#define IOV_CHECK_SOURCES_H

#include "core/ctx.h"
#include "core/json.h"

struct iov_sources;

int iov_sources_open(struct iov_ctx *ctx, const char *path, struct iov_sources **ret);
void iov_sources_close(struct iov_sources **place);
/*
 * The line (check/lines.h) of the instruction by which a program asks for a need of the facts; of several the one that
 * the verifier comes to most surely. `need` NULL: where the program begins; `program` NULL: any of them. In *ret a new
 * reference; NULL: the object does not tell.
 */
int iov_sources_find(struct iov_ctx *ctx, struct iov_sources *sources, const char *program, const json_t *need,
		     json_t **ret);

#endif
