/*
 * The path of a package, from wishes to the store: update the registries, resolve, fetch, verify, unpack, build. The
 * one place that runs these stages in a row; what comes after (plan, transaction) starts from the generation that this
 * leaves behind.
 */
#ifndef IOV_OPS_OBTAIN_H
#define IOV_OPS_OBTAIN_H

#include "ops/choose.h"
#include "ops/edit.h"

/* Leaves edit->to with the releases that fit all wishes, in the store and built; a dry run stops after the resolution.
 * Registries, the kernel's say and what is locked are filled in here: those of the host, updated, and what is
 * installed. */
int iov_obtain(struct iov_edit *edit, struct iov_choose choose);
/* The same with registries and a lock of the caller's. */
int iov_obtain_from(struct iov_edit *edit, const struct iov_choose *choose);

#endif
