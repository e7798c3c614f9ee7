/*
 * What waits on refs/heads/incoming/<sha256>, on its way into a registry. accept.c walks over what waits and does what
 * every submission has in common: its turn on the host, trying again when others were faster, the answer, and the end
 * of its ref. What a kind of submission is judged by and what it writes is in accept_<kind>.c.
 */
#ifndef IOV_REGISTRY_ACCEPT_H
#define IOV_REGISTRY_ACCEPT_H

#include "registry/host.h"
#include "registry/statement.h"
#include "registry/submission.h"

struct iov_accept {
	const char *path;		 /* of the repository */
	const struct iov_signer *signer; /* of the registry */
	const char *commit;		 /* of the submission */
	const char *sha256;		 /* what its ref is named by */
	int64_t now;
	struct iov_submission submission; /* what it says, as far as it could be read */
	bool known;			  /* all of it is in the registry already */
	uint64_t log;			  /* where it is in the log, once it is in */
};

/* Reads the submission that path, signer, commit and sha256 name, judges it and takes it in. Refusals
 * (core/refusal.h) are the submission's fault; other failures are the host's. */
int iov_accept_one(struct iov_ctx *ctx, struct iov_accept *accept);
void iov_accept_end(struct iov_accept *accept);
/* What the submission is about: a module; its own digest while nobody could read it. */
const char *iov_accept_subject(const struct iov_accept *accept);

/* The kinds. Each judges by the opened registry and writes one commit: IOV_E_BUSY when main has moved since it was
 * opened. `known`: it is in already, and nothing was written. */

/* A release: signed by a publisher of its name, of a version that is new and keeps its promise (core/step.h). */
int iov_accept_release(struct iov_ctx *ctx, struct iov_host *host, struct iov_accept *accept);
/* Who wanted to publish what he may not is told who may. */
int iov_accept_check_publisher(struct iov_ctx *ctx, const struct iov_root *root, const struct iov_release *release);
/* IOV_E_CONFLICT for other bytes under a published version; `known` for the same ones. Build metadata makes no other
 * version. */
int iov_accept_check_version(struct iov_ctx *ctx, const struct iov_index *index, const struct iov_release *release,
			     bool *ret_known, uint64_t *ret_log);
/* Takes a statement into an opened registry: index lines, log and head in one commit. Who signed it, that the releases
 * exist, and that nothing newer was said of them (a replay) is checked. */
int iov_accept_statement(struct iov_ctx *ctx, struct iov_host *host, const struct iov_signer *signer,
			 const struct iov_statement *statement, int64_t now, bool *ret_known, uint64_t *ret_log);

#endif
