/* One source to one object, in the sandbox. */
#ifndef IOV_BUILD_COMPILE_H
#define IOV_BUILD_COMPILE_H

#include "build/sandbox.h"

struct iov_compile {
	const char *module;  /* folder with a copy of the module */
	const char *source;  /* path in it */
	const char *output;  /* folder that the object comes into */
	const char *object;  /* its name there */
	const char *vmlinux; /* path of vmlinux.h; NULL: not wanted */
	struct iov_build_limits limits;
};

/* IOV_E_BUILD says which limit was met, or has the compiler's first errors; warnings go to the event callback. */
int iov_compile(struct iov_ctx *ctx, const struct iov_compile *compile);

#endif
