/*
 * Which releases fit: the resolver, asked in the terms of a host, with the registries as its provider. Nothing is
 * fetched but the index, and nothing changes.
 */
#ifndef IOV_OPS_CHOOSE_H
#define IOV_OPS_CHOOSE_H

#include "check/judge.h"
#include "core/generation.h"
#include "ops/registries.h"
#include "ops/wish.h"
#include "resolve/resolve.h"
#include "registry/clock.h"

struct iov_choose {
	struct iov_registries *registries;
	struct iov_judge *const
		*judges; /* what kernels say of releases (ops/party.h); each must load them; may be NULL */
	size_t n_judges;
	const struct iov_generation *locked;  /* keeps its releases, and where they came from */
	const struct iov_wished_list *wishes; /* on top of those of `locked`, which they replace; NULL: none */
	const struct iov_wished_list *also;   /* must hold too, but is nobody's wish and replaces none; NULL: none */
	bool forget;			      /* the wishes of `locked` count no more */
	bool only_locked;		      /* nothing but the releases of `locked` will do */
	bool unlock_all;		      /* what is pinned stays */
	bool unlock_wishes;
	bool latest; /* newer than what was wished will do for what is unlocked */
};

/* The chosen releases by name, borrowed from the registries or from `locked`; the array is the caller's. Where nothing
 * fits the error has its derivation. */
int iov_choose(struct iov_ctx *ctx, const struct iov_choose *request, const struct iov_release ***ret,
	       size_t *ret_count);

/* Every release of a module as iov_choose() would see it, maybe as briefs (core/brief.h). Borrowed from the registries.
 */
int iov_choose_releases(struct iov_ctx *ctx, const struct iov_choose *request, const char *name,
			struct iov_release *const **ret, size_t *ret_count);

/* Reads what the resolver will most likely ask for: the wishes, what is locked, what their newest releases need, and so
 * on. What cannot be read is told when the resolver asks for it. */
void iov_choose_read_ahead(struct iov_ctx *ctx, const struct iov_choose *request, const struct iov_wish *wishes,
			   size_t count);

/* The newest that is neither yanked nor a pre-release, else the newest. There is one at least. */
const struct iov_release *iov_choose_newest(struct iov_release *const *releases, size_t count);

/* NULL: it is not among them. */
const struct iov_release *iov_chosen_find(const struct iov_release *const *chosen, size_t count, const char *name);

/* Times of publishing after this are too young (`min_age`); "": none is. */
void iov_choose_until(const struct iov_ctx *ctx, char ret[IOV_TIME_SIZE]);

#endif
