/*
 * Tests on the live kernel. Each runs in the process that Check forks for it, with network and mount namespaces of its
 * own, so that what it attaches and mounts goes with it.
 */
#ifndef IOV_TESTS_LIVE_H
#define IOV_TESTS_LIVE_H

#include "engine/engine.h"
#include "unit.h"

#define LIVE_PORT 4950 /* to which datagrams go; as in tests/objects/hooks.bpf.c */

/* False, having said why, where this cannot run: no root, no BPF, tests that do not fork. */
bool live_begin(void);
/* A context on a fresh root with a bpffs in it. */
struct iov_ctx *live_ctx(void);
void live_ctx_free(struct iov_ctx *ctx);
/* DIR/sys/fs/bpf/iovpkg/NAME of the context's root; static storage, four at a time. */
const char *live_dir(const struct iov_ctx *ctx, const char *name);
/* The path of tests/objects/NAME.bpf.o; static storage. */
const char *live_object(const char *name);
/* A veth pair "iova" and "iovb", up, silent. */
void live_veth(void);
/* Datagrams from a socket of 127.0.0.1 to another, on a loopback that it brings up. */
void live_datagrams(unsigned count);
/* A cgroup for this process alone, until it ends: its name below the root of cgroup2; NULL, having said why, where
 * there is none. */
const char *live_cgroup(void);
/* Frames of the test's own ethertype from iova to iovb. */
void live_send(unsigned count);

#endif
