/*
 * A failure, and how it is told. minimize.c takes facts out until each is needed; proof.c makes steps of it, each with
 * two causes; explain.c and derivation.c tell those to people and to programs in the words of words.c; hints.c and
 * ways.c try what would have fit.
 */
#ifndef IOV_RESOLVE_PROOF_H
#define IOV_RESOLVE_PROOF_H

#include "resolve/solver.h"
#include "util/buf.h"

/* What a failure rests on: facts, in the order in which they became known. */
struct facts {
	struct incompatibility **items; /* the arena's */
	size_t count;
};

struct step {
	struct terms terms;	      /* cannot all be true; none: nothing fits */
	struct incompatibility *fact; /* NULL: it follows from the causes */
	struct step *causes[2];
	size_t uses;   /* as a cause */
	size_t number; /* in the proof, from 1 */
};

struct proof {
	struct step **steps; /* each after its causes; the last has no terms */
	size_t count;
};

/* proof.c */
int iov_proof_facts(struct solver *solver, struct incompatibility *failure, struct facts *ret);
int iov_proof_make(struct solver *solver, struct incompatibility *failure, struct proof *ret);

/* minimize.c: replaces solver->failure by one whose facts are all needed, and gives those. */
int iov_proof_minimize(struct solver *solver, struct facts *ret);

/* words.c: all append. */
void iov_words_fact(const struct solver *solver, const struct incompatibility *fact, struct iov_buf *text);
void iov_words_conclusion(struct terms terms, struct iov_buf *text);
/* No candidate meets it, and there is none at all. */
bool iov_words_is_unknown(const struct need *need);

/* explain.c: sentences joined by semicolons. */
int iov_proof_explain(struct solver *solver, const struct proof *proof, struct iov_buf *text);

/* derivation.c: see resolve.h. */
int iov_proof_to_json(struct solver *solver, const struct proof *proof, json_t **ret);

/* Nothing fits `request`; `blamed` are those of its wishes that the proof rests on. */
struct refused {
	struct iov_ctx *ctx;
	const struct iov_resolve_request *request;
	const struct iov_provider *provider;
	const struct iov_wish *blamed;
	size_t n_blamed;
};

/* hints.c: what would fit if young or yanked releases or pre-releases counted, each as "; ...". */
int iov_proof_hints(const struct refused *refused, struct iov_buf *text);

/* ways.c: what a person can do, as "ask for 'a' ^1.0.0, or leave out 'b'"; nothing where no way was found. */
int iov_proof_ways(const struct refused *refused, struct iov_buf *text);

#endif
