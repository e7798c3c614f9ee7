/*
 * Which release of which module: a pure function of wishes, what the provider tells, and what is locked. One version of
 * a module per host, newest that fits everything, locked ones kept. No I/O here: releases come lazily through the
 * provider.
 */
#ifndef IOV_RESOLVE_RESOLVE_H
#define IOV_RESOLVE_RESOLVE_H

#include "core/generation.h"

struct iov_provider {
	/* Every release of a module, newest first; borrowed until the resolution ends. 0 releases: unknown name. */
	int (*releases)(struct iov_ctx *ctx, const char *name, struct iov_release *const **ret, size_t *ret_count,
			void *data);
	void *data;
};

struct iov_wish {
	const char *name;
	const struct iov_requirement *requirement; /* NULL: any */
	const char *why;			   /* "you asked for it", for explanations */
};

struct iov_resolve_request {
	const struct iov_wish *wishes;
	size_t n_wishes;
	const struct iov_generation *locked; /* releases to keep where they fit; NULL: none */
	const char *const *unlock;	     /* names whose lock does not count */
	size_t n_unlock;
};

/* Gives the chosen releases sorted by name, borrowed from the provider (or from `locked`, where no registry lists what
 * is installed any more); the array is the caller's. Yanked releases are kept where they are installed and never newly
 * chosen; pre-releases only when asked for. IOV_E_CONFLICT or IOV_E_NOT_FOUND with the reason. */
int iov_resolve(struct iov_ctx *ctx, const struct iov_resolve_request *request, const struct iov_provider *provider,
		const struct iov_release ***ret, size_t *ret_count);

#endif
