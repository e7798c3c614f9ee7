/*
 * One command in bubblewrap: no network, no other processes, the system's programs and headers read-only, the module
 * read-only, one folder to write to (docs/build.md). As root it runs under a user id that owns nothing; otherwise in a
 * user namespace.
 */
#ifndef IOV_BUILD_SANDBOX_H
#define IOV_BUILD_SANDBOX_H

#include "core/ctx.h"
#include "util/process.h"

/* Where things are inside. */
#define IOV_SANDBOX_MODULE "/module"
#define IOV_SANDBOX_OUTPUT "/out"
#define IOV_SANDBOX_HEADERS "/headers"

/* A user id that nothing else on the host has: reserved by Debian's policy, and past the ones that systemd hands out.
 */
#define IOV_SANDBOX_UID 65527

struct iov_build_limits {
	unsigned cpu_seconds;
	uint64_t memory; /* bytes of address space */
	uint64_t file;	 /* bytes of one file */
};

struct iov_sandbox {
	const char *module;	 /* folder, seen read-only as /module; the command starts there */
	const char *output;	 /* folder, seen as /out */
	const char *vmlinux;	 /* file, seen as /headers/vmlinux.h; NULL: none */
	const char *const *argv; /* NULL-terminated; argv[0] is an absolute path */
	struct iov_build_limits limits;
};

/* IOV_OK when the command ran, whatever its status. IOV_E_BUILD when a limit ended it, IOV_E_UNSUPPORTED when there can
 * be no sandbox here. */
int iov_sandbox_run(struct iov_ctx *ctx, const struct iov_sandbox *sandbox, struct iov_process_result *ret);
/* Folder for what the sandbox writes or reads: as root it belongs to the sandbox's user. */
int iov_sandbox_own(struct iov_ctx *ctx, const char *dir);

#endif
