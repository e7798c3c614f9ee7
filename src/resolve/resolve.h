/*
 * Which release of which module: a pure function of wishes, what the provider tells, and what is locked. One version of
 * a module per host, newest that fits everything and that the kernel loads, locked ones kept. No I/O here: releases,
 * and what the kernel says of them, come lazily through the provider. The algorithm is PubGrub
 * (github.com/dart-lang/pub, doc/solver.md); solver.h says how it is laid out here.
 */
#ifndef IOV_RESOLVE_RESOLVE_H
#define IOV_RESOLVE_RESOLVE_H

#include "core/generation.h"
#include "core/lack.h"

struct iov_provider {
	/* Every release of a module, newest first; borrowed until the resolution ends, and the same when asked again.
	 * 0 releases: unknown name. */
	int (*releases)(struct iov_ctx *ctx, const char *name, struct iov_release *const **ret, size_t *ret_count,
			void *data);
	/* Every name there is, offered one by one: for "did you mean ...?", asked only when a name is unknown; each
	 * lives for the call. What fails here goes untold. NULL: the provider cannot tell. */
	void (*names)(struct iov_ctx *ctx, void (*offer)(const char *name, void *to), void *to, void *data);
	/* What keeps the kernel from loading a release; NULL: it loads it, or nobody can tell, which is no reason
	 * against it. Borrowed until the resolution ends. Asked when the release is about to be chosen, locked or not,
	 * and the same when asked again. NULL: no kernel has a say. */
	int (*lacks)(struct iov_ctx *ctx, const struct iov_release *release, const struct iov_lack **ret, void *data);
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
	const char *until;	 /* releases published after this time are too young to choose, unless they are in
				    `locked`; NULL: none is */
	json_t **ret_derivation; /* where the proof goes when nothing fits, the caller's; NULL: not wanted */
};

/* Gives the chosen releases sorted by name, borrowed from the provider (or from `locked`, where no registry lists what
 * is installed any more); the array is the caller's. Yanked releases are kept where they are installed and never newly
 * chosen; pre-releases only when asked for.
 *
 * IOV_E_NOT_FOUND where a module that no registry has is part of why nothing fits, else IOV_E_CONFLICT. The text is the
 * proof, in words; no fact in it can be left out. As JSON it is an array in which each step stands after those that it
 * follows from, so that a reader needs no depth; a fact has "fact", a conclusion has "because":
 *
 *   {"number":1,"text":"...","fact":"wish","module":"top","requirement":"^1" or null,"why":"you asked for it"}
 *   {"number":2,"text":"...","fact":"dependency","module":"top","versions":["1.0.0"],"needs":"table","requirement":"^2"}
 *   {"number":3,"text":"...","fact":"circle","modules":[{"module":"a","versions":["1.0.0"]},...]}
 *   {"number":4,"text":"...","fact":"kernel","module":"top","versions":["2.0.0","1.3.0"],"kernel":"6.1.0",
 *    "missing":"helper","what":"loop","since":"5.17" or null}
 *   {"number":5,"text":"...","because":[1,2]}
 */
int iov_resolve(struct iov_ctx *ctx, const struct iov_resolve_request *request, const struct iov_provider *provider,
		const struct iov_release ***ret, size_t *ret_count);

#endif
