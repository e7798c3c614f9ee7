/*
 * Briefs (core/brief.h) of the releases that resolutions asked for, kept beside the trusted state so that the next
 * resolution reads one small file instead of index files: <state>/registries/<name>/briefs
 *
 *   iovbriefs1 SHA256
 *   {"iovpkg":VERSION,"manifest":"SHA256 of manifest/top","modules":{"flow-top":[brief,...],"not-there":[]},"root":N}
 *
 * Each was part of an index file that had been checked as a whole under that head and root; under others, or for
 * another iovpkg, the file is as good as none.
 */
#ifndef IOV_REGISTRY_BRIEF_H
#define IOV_REGISTRY_BRIEF_H

#include "registry/registries.h"

/* What is known of a module, as briefs or as releases; NULL: nothing yet. Borrowed until another answer is read. */
const struct iov_answer *iov_registry_known(struct iov_ctx *ctx, struct iov_registry *registry, const char *name);
/* The same; read when nothing is known. */
int iov_registry_brief(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
		       const struct iov_answer **ret);
/* Writes down what was read since. Never fails: the next resolution reads again. */
void iov_registry_keep_briefs(const struct iov_registry *registry);

#endif
