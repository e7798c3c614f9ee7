/*
 * Changes of a registry's main branch, one after the other. A change is made from what main holds and committed only
 * if main is still there, so two at once can do no harm; but each that loses the race has worked for nothing. So those
 * on one host queue for the repository's folder (flock), and what still loses, to a push or on a file system without
 * such locks, tries again after a random pause.
 */
#ifndef IOV_REGISTRY_TURN_H
#define IOV_REGISTRY_TURN_H

#include "core/ctx.h"

#define IOV_TURN_TRIES 100 /* each failure is somebody else's success */
#define IOV_TURN_WAIT_MS                                                                                               \
	120000 /* then it goes ahead without the lock: whoever holds it may be stopped, or ill-willed */

/* Calls `change` until it returns another code than IOV_E_BUSY. */
int iov_turn(struct iov_ctx *ctx, const char *path, int (*change)(struct iov_ctx *ctx, void *cookie), void *cookie);
/* A pause before try number `tries`, random and longer with each. */
void iov_turn_pause(unsigned tries);

#endif
