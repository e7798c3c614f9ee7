/* What the code of an object asks of a kernel, and where: the parts of the file that tell, read once. */
#ifndef IOV_CHECK_DISSECT_H
#define IOV_CHECK_DISSECT_H

#include "check/reach.h"

struct iov_dissected {
	struct iov_bytecode code;
	struct btf *btf;     /* NULL: the object has no types */
	struct btf_ext *ext; /* NULL: the object has none */
	struct iov_needs needs;
	struct iov_reaching *reaching;
};

int iov_dissect(struct iov_ctx *ctx, const char *path, struct iov_dissected *ret);
void iov_dissected_release(struct iov_dissected *dissected);
/* For the program of that name: what holds for each need. `ret` has needs.count elements. */
int iov_dissected_reach(struct iov_ctx *ctx, const struct iov_dissected *dissected, const char *program,
			struct iov_reach *ret);

#endif
