/*
 * Who signed a release, and whether that is enough: the publishers whom the root allows for its name, and those who
 * were allowed when the log took it in (the root's `retired`).
 */
#ifndef IOV_REGISTRY_PUBLISHERS_H
#define IOV_REGISTRY_PUBLISHERS_H

#include "core/release.h"
#include "registry/root.h"

#define IOV_LOG_NOT_YET UINT64_MAX /* the place in the log of a release that is not published yet */

enum iov_verdict {
	IOV_SIGNED_WELL,
	IOV_SIGNED_BY_NOBODY,  /* whom the root knows */
	IOV_SIGNED_BY_ANOTHER, /* one who may publish other names */
	IOV_SIGNED_BY_TOO_FEW,
	IOV_SIGNED_TWICE,    /* and thus by too few */
	IOV_SIGNED_TOO_LATE, /* by a key that published no more when the log took it in: retired, or stolen */
};

struct iov_judgement {
	enum iov_verdict verdict;
	size_t good, needed;	   /* different keys */
	const char *key, *pattern; /* whom the verdict is about; borrowed from the root */
	uint64_t log_size;	   /* until where that key counted */
	json_t *names;		   /* of the keys that count; owned */
};

/* Of a text that speaks of the module `name`, and its signature lines. */
int iov_publishers_judge(struct iov_ctx *ctx, const struct iov_root *root, const char *name, const json_t *lines,
			 const char *text, uint64_t log, struct iov_judgement *ret);
int iov_release_judge(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_release *release, uint64_t log,
		      struct iov_judgement *ret);
void iov_judgement_release(struct iov_judgement *judgement);
/* The error that tells of a verdict, and names the attack; IOV_OK when it is good. */
int iov_judgement_refuse(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
			 const struct iov_release *release, const struct iov_judgement *judgement);

#endif
