/* What this machine compiles with. */
#ifndef IOV_BUILD_TOOLCHAIN_H
#define IOV_BUILD_TOOLCHAIN_H

#include "core/ctx.h"

#define IOV_CLANG "/usr/bin/clang"
#define IOV_BWRAP "/usr/bin/bwrap"
#define IOV_SETPRIV "/usr/bin/setpriv"

/* One kind of machine that the kernel runs on, under its three names. */
struct iov_machine {
	const char *uname;     /* "x86_64" */
	const char *target;    /* as bpf_tracing.h wants it: "x86", for -D__TARGET_ARCH_x86 */
	const char *multiarch; /* Debian's folder below /usr/include: "x86_64-linux-gnu" */
};

/* IOV_E_UNSUPPORTED for a machine that is not in the table. */
int iov_machine_here(struct iov_ctx *ctx, const struct iov_machine **ret);
/* The programs above exist; otherwise IOV_E_UNSUPPORTED names the Debian package. */
int iov_toolchain_present(struct iov_ctx *ctx);
/* The flags that say what code is made, without the paths: NULL-terminated. */
extern const char *const iov_clang_flags[];

#endif
