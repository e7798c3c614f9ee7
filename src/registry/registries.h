/* What the files of the client share: the opened registries and what was read of them so far. */
#ifndef IOV_REGISTRY_REGISTRIES_H
#define IOV_REGISTRY_REGISTRIES_H

#include "registry/index.h"
#include "registry/log.h"
#include "registry/registry.h"
#include "registry/seen.h"
#include "registry/trust.h"

struct iov_shard {
	char name[3];
	struct iov_listing listing;
};

/* One registry's answer for one module. */
struct iov_answer {
	char *name;
	struct iov_index index; /* empty: not there */
};

struct iov_registry {
	struct iov_trust *trust;
	bool has_top;
	struct iov_listing top;
	struct iov_shard *shards;
	size_t n_shards;
	struct iov_answer *answers;
	size_t n_answers;
	struct iov_seen seen; /* what was read is remembered (seen.h) */
	bool has_briefs;      /* those of earlier commands were read, as far as there are any (brief.h) */
	struct iov_answer *briefs;
	size_t n_briefs;
	struct iov_source source; /* of the log */
	struct iov_log log;	  /* what proofs have read of it; source NULL: nothing */
};

struct iov_choice {
	char *name;
	size_t registry;
};

struct iov_registries {
	struct iov_ctx *ctx;	    /* borrowed: what was read is remembered when they are closed */
	struct iov_registry *items; /* by name */
	size_t count;
	struct iov_choice *choices;
	size_t n_choices;
};

/* NULL: no such registry. */
struct iov_registry *iov_registries_find(struct iov_registries *registries, const char *name);
/* The answer for one module, read when it is not at hand. Borrowed until the next answer is read. */
int iov_registry_answer(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
			const struct iov_answer **ret);
/* Freeze: the head that vouches for the answers has not expired. */
int iov_registry_check_fresh(struct iov_ctx *ctx, const struct iov_registry *registry);
/* Reads what is missing of these answers with one question. */
int iov_registry_prefetch(struct iov_ctx *ctx, struct iov_registry *registry, const char *const *names, size_t count);
/* Appends "registry name" lines for every module. */
int iov_registry_names(struct iov_ctx *ctx, struct iov_registry *registry, struct iov_buf *ret_lines);
/* Forgets what was read; the trusted state has moved. */
void iov_registry_forget_answers(struct iov_registry *registry);

#endif
