/*
 * The path of a package, from wishes to the store: update the registries, resolve, fetch, verify, unpack, build. The
 * one place that runs these stages in a row; what comes after (plan, transaction) starts from the generation that this
 * leaves behind.
 */
#ifndef IOV_OPS_OBTAIN_H
#define IOV_OPS_OBTAIN_H

#include "ops/edit.h"
#include "ops/wish.h"

struct iov_obtain {
	const struct iov_wished_list *wishes; /* on top of what the generation wishes already */
	bool unlock_all;		      /* upgrade everything */
	bool unlock_wishes;		      /* upgrade what is wished here */
};

/* Leaves edit->to with the releases that fit all wishes, in the store and built; a dry run stops after the resolution.
 */
int iov_obtain(struct iov_edit *edit, const struct iov_obtain *request);

#endif
