/* What the parts of the resolver share: resolve.c searches, candidates.c says what may be chosen, explain.c tells why
 * nothing could. */
#ifndef IOV_RESOLVE_RESOLVE_INTERNAL_H
#define IOV_RESOLVE_RESOLVE_INTERNAL_H

#include "resolve/resolve.h"
#include "util/buf.h"

#define MODULES_MAX 1024 /* known to one resolution; also bounds the recursion */
#define NOBODY SIZE_MAX	 /* the "module" that wishes come from */

struct candidate {
	const struct iov_release *release;
	bool locked; /* installed, and to be kept where it fits */
};

struct module {
	const char *name;
	struct candidate *candidates; /* best first */
	size_t n_candidates;
	struct iov_release *const *releases; /* all, also those that are no candidates; borrowed from the provider */
	size_t n_releases;
	const struct candidate *chosen; /* NULL: undecided, or not needed */
};

struct need {
	size_t module;				   /* what is needed */
	size_t by;				   /* who needs it; its chosen release says so */
	const struct iov_requirement *requirement; /* NULL: any */
	const char *why;			   /* of a wish */
};

struct module_set {
	uint64_t bits[MODULES_MAX / 64];
};

struct solver {
	struct iov_ctx *ctx;
	const struct iov_resolve_request *request;
	const struct iov_provider *provider;
	struct module modules[MODULES_MAX];
	size_t n_modules;
	struct need *needs; /* a stack: those of the latest decision stand last */
	size_t n_needs, cap_needs;
	size_t steps;
	struct iov_buf dead_ends; /* the first few, in words */
	struct iov_buf clash;	  /* the first that another choice might have avoided */
	size_t n_dead_ends, n_missing;
};

/* The index of a module, whose releases are asked for when it is new. */
int iov_resolve_module(struct solver *solver, const char *name, size_t *ret);
bool iov_resolve_fits(const struct need *need, const struct candidate *candidate);
/* Does it meet every need for the module so far? */
bool iov_resolve_fits_all(const struct solver *solver, size_t module, const struct candidate *candidate);

/* Remember that these needs for a module cannot be met, or that one module leads back to another. */
void iov_resolve_tell_dead_end(struct solver *solver, size_t module);
void iov_resolve_tell_circle(struct solver *solver, size_t module, size_t other);
/* Sets the error from what was remembered. */
int iov_resolve_explain(struct solver *solver);

#endif
