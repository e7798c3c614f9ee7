/*
 * Hooks whose link cannot be moved to another program: tracepoints, probes, netfilter and others. An entry program
 * (hooks/entry.h) is attached once and stays. At rest both of its slots hold the module's program, so that a store for
 * others changes nothing here.
 */
#ifndef IOV_HOOKS_STANDING_H
#define IOV_HOOKS_STANDING_H

#include "hooks/hook.h"

extern const struct iov_style iov_style_standing;

#endif
