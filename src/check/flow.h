/*
 * Which instructions of a function the verifier comes to. It follows every way that it cannot rule out, and a way that
 * hangs on the existence of a type, field or symbol of the kernel is ruled out where that is known to be there or not.
 */
#ifndef IOV_CHECK_FLOW_H
#define IOV_CHECK_FLOW_H

#include "check/bytecode.h"

enum iov_flow_value {
	IOV_FLOW_UNKNOWN,
	IOV_FLOW_NUMBER,
	IOV_FLOW_NONZERO,
};

/* What an instruction that loads a value is taken to load. */
struct iov_flow_known {
	enum iov_flow_value value;
	uint64_t number;
};

/* What is assumed: instructions for which needs[i] is `need` load `known`. */
struct iov_flow_guess {
	const uint32_t *needs; /* per instruction of the whole code */
	uint32_t need;
	struct iov_flow_known known;
};

/* Both write a bool for each instruction of the function to `ret`. */
/* Does the verifier come by whatever way it takes? Then each way from start to end leads over it. */
int iov_flow_certain(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct iov_bytecode_function *function,
		     bool *ret);
/* Can it come there, as guessed? */
int iov_flow_reached(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct iov_bytecode_function *function,
		     const struct iov_flow_guess *guess, bool *ret);

/* Where the flow goes on after an instruction, as offsets in the function: how many, 0 to 2. */
unsigned iov_flow_next(const struct iov_bytecode *code, const struct iov_bytecode_function *function, uint32_t at,
		       uint32_t ret[2]);

#endif
