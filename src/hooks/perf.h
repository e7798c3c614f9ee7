/* Perf events, on which programs of tracepoints and probes hang. One event on CPU 0 serves all CPUs: its programs
 * belong to the place, not to the event. */
#ifndef IOV_HOOKS_PERF_H
#define IOV_HOOKS_PERF_H

#include "hooks/hook.h"

/* The number by which this kernel knows a kind of event: "uprobe". False: it has none. */
bool iov_perf_type(const char *name, uint32_t *ret);
/* Opens one; `config1` and `config2` as perf_event_open(2) has them for its type. -1 with errno. */
int iov_perf_open(uint32_t type, uint64_t config, uint64_t config1, uint64_t config2);
/* Hangs a program on it. */
int iov_perf_attach(struct iov_ctx *ctx, const struct iov_site *site, int event, int program, int *ret);
/*
 * Would the kernel attach this program to the event, which is free? It is asked while one of that kind that does
 * nothing has the event's one place: it looks at the program first, and at the event then, and runs nothing. *ret_errno
 * 0: it would.
 */
int iov_perf_try(struct iov_ctx *ctx, const struct iov_site *site, int event, const struct iov_entry_kind *kind,
		 int program, int *ret_errno);

#endif
