/* The state of a registry that audits, comparisons and witnesses begin with: one that this host has added, as it is
 * now, a repository on this host, or static files over HTTP. Roots, head and manifest/top are checked, and the log's
 * tiles give the head's root. */
#ifndef IOV_REGISTRY_SUBJECT_H
#define IOV_REGISTRY_SUBJECT_H

#include "registry/host.h"
#include "registry/trust.h"

struct iov_subject {
	const char *name; /* for people: the registry's name, or its path; borrowed */
	const char *url;  /* where it is; borrowed */
	struct iov_source source;
	const struct iov_root *root; /* the newest; borrowed */
	const struct iov_head *head; /* borrowed */
	struct iov_trust *trust;     /* one of these owns it all */
	struct iov_host host;
	char *scratch; /* the folder of what was read of one that is not pinned; NULL: it is, or is a repository */
};

/* `what` is a registry's name, which is updated first unless ctx is offline, the path of a repository, or the URL of a
 * sparse registry (sparse.h). What is read over HTTP on the way is not kept. */
int iov_subject_open(struct iov_ctx *ctx, const char *what, struct iov_subject *ret);
void iov_subject_release(struct iov_subject *subject);
/* Has it another head by now, so that files may be those of later? Never where it is one commit that is read. */
bool iov_subject_has_moved(struct iov_ctx *ctx, const struct iov_subject *subject);

#endif
