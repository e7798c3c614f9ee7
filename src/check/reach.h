/*
 * Which needs of an object a program comes to, and under which circumstances: through its own code and all functions
 * that it calls.
 */
#ifndef IOV_CHECK_REACH_H
#define IOV_CHECK_REACH_H

#include "check/needs.h"

#define IOV_REACH_CONDITIONS 8 /* of one need; more than these are as good as unknown */

/* The code behind it is not reached where the kernel lacks `need`; where it has it, if `present`. */
struct iov_condition {
	uint32_t need;
	bool present;
};

struct iov_reach {
	bool seen;    /* a program comes there on some way */
	bool certain; /* on every way; there are no conditions then */
	unsigned count;
	struct iov_condition conditions[IOV_REACH_CONDITIONS]; /* each of them alone keeps it from being reached */
	uint32_t at; /* the instruction that asks; of several one that depends on least */
};

struct iov_reaching; /* what is known of each function */

int iov_reaching_new(struct iov_ctx *ctx, const struct iov_bytecode *code, const struct iov_needs *needs,
		     struct iov_reaching **ret);
void iov_reaching_free(struct iov_reaching *reaching);
/* For a program of the code: what holds for each need. `ret` has needs->count elements. */
int iov_reach(struct iov_ctx *ctx, struct iov_reaching *reaching, uint32_t function, struct iov_reach *ret);

#endif
