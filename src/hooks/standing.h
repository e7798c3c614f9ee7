/*
 * Hooks whose link cannot be moved to another program: tracepoints, probes, netfilter and others. An entry program
 * (hooks/entry.h) is attached once and stays. At rest both of its slots hold the module's program, so that a store for
 * others changes nothing here.
 */
#ifndef IOV_HOOKS_STANDING_H
#define IOV_HOOKS_STANDING_H

#include "hooks/hook.h"

extern const struct iov_style iov_style_standing;

/* An attached entry with empty slots, as a trial of what the kernel says to it; iov_auto(iov_entry_close). */
struct iov_entry;
int iov_standing_try(struct iov_ctx *ctx, const struct iov_hook *hook, const struct iov_site *site, int program,
		     struct iov_entry *ret);

#endif
