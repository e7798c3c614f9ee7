/*
 * PubGrub, as its parts share it. In the order of one resolution:
 *
 *   resolve.c          wishes in, releases out
 *   search.c           the loop: propagate, decide, until nothing is open or nothing fits
 *   modules.c          what is known of a module: its candidates, best first, and which of them a requirement matches
 *   facts.c            wishes and dependencies as incompatibilities; a module's are made when it is about to be chosen
 *   kernel.c           a release that the kernel does not load, as an incompatibility
 *   circle.c           chosen modules that need each other in a circle, as an incompatibility
 *   propagate.c        what follows from the incompatibilities and the assignments so far
 *   trail.c            the assignments, and jumping back
 *   open.c             which module to decide next
 *   conflict.c         why an incompatibility came true, as a new one; how far to jump back
 *   minimize.c         a failure with no fact too many
 *   proof.c, words.c, explain.c, derivation.c, hints.c, ways.c   a failure, told
 *
 * An incompatibility is a set of terms that must not all be true; a term says that a module is in one of some states
 * (states.h). It is satisfied when all its terms are true, and a term that is left open alone has to become false: that
 * is all the reasoning there is.
 */
#ifndef IOV_RESOLVE_SOLVER_H
#define IOV_RESOLVE_SOLVER_H

#include "resolve/resolve.h"
#include "resolve/states.h"

struct need {
	struct module *module;
	const struct iov_requirement *requirement; /* NULL: any */
	const uint64_t *matching;		   /* the candidates that meet it */
	const uint64_t *unmet;			   /* all other states */
};

struct candidate {
	const struct iov_release *release;
	bool locked;	    /* installed, and to be kept where it fits */
	bool extra;	    /* a candidate only in an experiment */
	bool young;	    /* that is why */
	struct need *needs; /* what its manifest says, sorted by name; NULL until it is about to be chosen */
};

/* What a requirement matches. */
struct range {
	const struct iov_requirement *requirement; /* NULL: any */
	const uint64_t *matching, *unmet;
	struct range *next;
};

/* A term, seen from its module. */
struct mention {
	const uint64_t *states;
	struct incompatibility *incompatibility;
};

struct module {
	const char *name;
	struct candidate *candidates; /* best first */
	size_t n_candidates, n_words;
	struct iov_release *const *releases; /* all, also those that are no candidates; borrowed from the provider */
	size_t n_releases;
	const uint64_t *all;
	struct range *ranges;	  /* latest first */
	struct mention *mentions; /* the terms for it, oldest first; owned */
	size_t n_mentions, cap_mentions;
	const struct assignment *latest; /* NULL: nothing is known, thus any state */
	size_t slot;			 /* scratch: where it stands in a list of terms, from 1; 0 between uses */
	size_t visit;			 /* scratch: the latest search for a circle that came by */
	size_t choices, trouble;	 /* in solver->open: its key; `trouble` are conflicts that it had a part in */
	size_t place;			 /* in solver->open: its index + 1; 0: not there */
	bool queued;
};

struct term {
	struct module *module;
	const uint64_t *states;
};

struct terms {
	struct term *items;
	size_t count;
};

enum origin {
	WISH,	    /* somebody wants need.module */
	DEPENDENCY, /* `states` of `by` need need.module */
	KERNEL,	    /* the kernel does not load `states` of `by`, for `lack` */
	CIRCLE,	    /* each term's module needs the next one's, the last one's the first one's */
	CONFLICT,   /* follows from others */
};

struct incompatibility {
	enum origin origin;
	struct terms terms;
	struct need need;
	const struct module *by;
	const uint64_t *states;
	const char *why; /* of a wish */
	const struct iov_lack *lack;
	/* CONFLICT: causes[0] resolved with causes[1] over pivots[1], the result with causes[2] over pivots[2], ... */
	struct incompatibility **causes;
	struct module **pivots;
	size_t n_causes;
	size_t serial;	   /* larger than those of its causes */
	struct step *step; /* of the proof that is being made */
	bool reached;	   /* scratch */
};

/* What became known of a module, and why. */
struct assignment {
	struct module *module;
	const uint64_t *states;		   /* all that is left, also by earlier assignments */
	size_t n_left;			   /* candidates in it */
	struct incompatibility *cause;	   /* NULL: a decision */
	size_t level;			   /* decisions up to and with this */
	size_t since;			   /* the level that it follows from, where that is known to be lower */
	size_t index;			   /* in the trail */
	const struct assignment *before;   /* of the same module */
	const struct assignment *previous; /* in the trail */
};

/* How things stood before a decision. */
struct level {
	struct iov_arena_mark mark;
	const struct assignment *last;
};

struct module_list {
	struct module **items;
	size_t count, cap;
};

struct solver {
	struct iov_ctx *ctx;
	const struct iov_resolve_request *request;
	const struct iov_provider *provider;
	bool with_yanked, with_prereleases, with_young; /* experiments: what if these could be chosen? */
	bool closed;					/* reason with the facts there are; ask for no more */
	struct iov_arena arena;				/* modules, sets, incompatibilities: until the end */
	struct iov_arena trail_arena;			/* assignments: until the solver jumps back */
	struct iov_arena scratch;			/* for the length of a call */
	void *by_name;					/* tsearch() tree of modules */
	struct module_list modules;			/* in the order in which they came up */
	struct module_list queue;			/* changed, and not yet propagated */
	struct incompatibility **fresh;			/* to look at though none of their modules changes; owned */
	size_t n_fresh, cap_fresh;
	struct module_list open; /* wanted and not decided: a heap */
	struct module_list path; /* of the search for a circle */
	const struct assignment *last;
	struct level *levels; /* owned */
	size_t n_levels, cap_levels;
	size_t steps, steps_max; /* incompatibilities looked at */
	bool gave_up;		 /* there were too many of them */
	size_t n_serials, n_visits;
	struct incompatibility *failure; /* one without terms, thus always satisfied: nothing fits */
};

void iov_solver_init(struct solver *solver, struct iov_ctx *ctx, const struct iov_resolve_request *request,
		     const struct iov_provider *provider);
/* The same, with few steps: what it is to find out is good to know, and no more. */
void iov_solver_init_trial(struct solver *solver, struct iov_ctx *ctx, const struct iov_resolve_request *request,
			   const struct iov_provider *provider);
void iov_solver_release(struct solver *solver);
int iov_solver_push(struct solver *solver, struct module_list *list, struct module *module);

/* modules.c */
/* The module of that name, whose releases are asked for when it is new. */
int iov_solver_module(struct solver *solver, const char *name, struct module **ret);
int iov_solver_range(struct solver *solver, struct module *module, const struct iov_requirement *requirement,
		     const struct range **ret);
/* Every module is back where it was before anything was assigned or learned; facts have to be added anew. */
void iov_solver_reset(struct solver *solver);

/* facts.c */
/* With room for so many terms; NULL: no memory. */
struct incompatibility *iov_solver_new_fact(struct solver *solver, enum origin origin, size_t most_terms);
/* Makes it known. One without terms is the failure. */
int iov_solver_add(struct solver *solver, struct incompatibility *incompatibility);
int iov_solver_add_wishes(struct solver *solver);
int iov_solver_add_dependencies(struct solver *solver, struct module *module, struct candidate *candidate);
/* Each of them needs the next, and the last the first. */
int iov_solver_add_circle(struct solver *solver, const struct module_list *circle);
/* Adds the circle that deciding on this module closed, where it did. */
int iov_solver_find_circle(struct solver *solver, struct module *start); /* circle.c */

/* kernel.c */
/* Asks for the candidate in this state; what keeps the kernel from loading it becomes known. */
int iov_solver_ask_kernel(struct solver *solver, struct module *module, size_t state, bool *ret_loads);
/* Releases of a module that lack the same are one fact. */
int iov_solver_merge_lacks(struct solver *solver, struct incompatibility **facts, size_t *count);

/* trail.c */
static inline const uint64_t *iov_solver_states(const struct module *module)
{
	return module->latest ? module->latest->states : module->all;
}
static inline bool iov_solver_is_decided(const struct module *module)
{
	return module->latest && !module->latest->cause;
}
static inline const struct candidate *iov_solver_chosen(const struct module *module)
{
	return &module->candidates[iov_states_best(module->latest->states, module->n_words) - 1];
}
/* It has been following since that level. */
int iov_solver_derive(struct solver *solver, const struct term *open, struct incompatibility *cause, size_t since);
int iov_solver_decide(struct solver *solver, struct module *module, size_t state);
/* What follows from lower levels is looked at anew. */
int iov_solver_jump_back(struct solver *solver, size_t level);
/* The assignment, `from` or one before, after which and not before which the term was true. */
const struct assignment *iov_solver_satisfier(const struct assignment *from, const uint64_t *states);

/* open.c: to be called when what is known of the module has changed. */
int iov_solver_reopen(struct solver *solver, struct module *module);
/* It had a part in a conflict. */
int iov_solver_blame(struct solver *solver, struct module *module);

/* propagate.c, conflict.c, search.c */
int iov_solver_enqueue(struct solver *solver, struct module *module);
int iov_solver_look_at(struct solver *solver, struct incompatibility *incompatibility);
/* Until nothing follows any more, or solver->failure is set. */
int iov_solver_propagate(struct solver *solver);
/* Jumps back to where the satisfied incompatibility, or what is learned from it, leaves one term open, and has it
 * looked at; or sets solver->failure. */
int iov_solver_resolve_conflict(struct solver *solver, struct incompatibility *satisfied);
/* What follows from two lists of which one is about a module's being in other states than the other: both without the
 * pivot, unless some of its states are in neither. */
int iov_solver_join(struct solver *solver, struct iov_arena *arena, struct terms left, struct terms right,
		    const struct module *pivot, struct terms *ret);
/* Ends with every module that cannot be absent decided, or with solver->failure. */
int iov_solver_search(struct solver *solver);
/* Reasons with these facts alone, from the start. */
int iov_solver_search_facts(struct solver *solver, struct incompatibility *const *facts, size_t count);

#endif
