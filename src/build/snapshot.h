/*
 * A copy of a module's regular files, made before they are built. The sandbox's user may read it whatever modes the
 * author's files have, no link in it leads anywhere, and nobody changes it while the compiler reads. What an archive
 * could not carry is not in it.
 */
#ifndef IOV_BUILD_SNAPSHOT_H
#define IOV_BUILD_SNAPSHOT_H

#include "core/ctx.h"

struct iov_snapshot {
	size_t files;
	uint64_t bytes;
	bool wants_vmlinux; /* a file includes vmlinux.h */
	bool has_vmlinux;   /* a file is called that */
};

/* Copies `from` into the folder `to`. Names that begin with a dot are left out. Archive limits apply. */
int iov_snapshot_take(struct iov_ctx *ctx, const char *from, const char *to, struct iov_snapshot *ret);

#endif
