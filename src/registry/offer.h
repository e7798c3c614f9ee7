/* What a registry shows now, and whether it may become what this host trusts (advance.c). */
#ifndef IOV_REGISTRY_OFFER_H
#define IOV_REGISTRY_OFFER_H

#include "registry/seen.h"
#include "registry/trust.h"

#define IOV_OFFER_ROOTS 4 /* roots asked for at once: more than one new root since the last update is rare */

enum iov_offer_file {
	IOV_OFFER_HEAD,
	IOV_OFFER_CHECKPOINT,
	IOV_OFFER_DESCRIPTION,
	IOV_OFFER_TOP,
	IOV_OFFER_FIRST_ROOT, /* that follows those known */
	IOV_OFFER_FILES = IOV_OFFER_FIRST_ROOT + IOV_OFFER_ROOTS
};

struct iov_offer {
	struct iov_source source;
	struct iov_buf files[IOV_OFFER_FILES]; /* those that are needed and not there yet are read */
	struct iov_head head;
	struct iov_seen seen; /* what this host knows once it is taken */
	char *packages;
};

void iov_offer_release(struct iov_offer *offer);
/* Reads what is missing, checks all of it, and makes it what `trust` says; nothing is stored. After a refusal `trust`
 * is what it was. */
int iov_offer_take(struct iov_ctx *ctx, struct iov_trust *trust, struct iov_offer *offer, int64_t now);

#endif
