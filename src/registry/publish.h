/*
 * The publisher's half and the host's half of a publish.
 *
 * A submission is a commit on refs/heads/incoming/<sha256 of the archive> whose tree holds `release.note` (the release
 * record, signed by its publisher) and `archive` (the archive). Accept checks all of it again, appends the event to the
 * log, writes the index line, manifest shards, head and checkpoint in one commit on refs/heads/main, moves the archive
 * to refs/packages/<sha256>, and deletes the incoming ref.
 */
#ifndef IOV_REGISTRY_PUBLISH_H
#define IOV_REGISTRY_PUBLISH_H

#include "core/release.h"
#include "registry/registry.h"
#include "sign/key.h"
#include "util/buf.h"
#include "util/buf.h"

/* Submits to the repository at `url` (local path or file:// are pushed straight in; others over libgit2). `archive` is
 * the path of the file. */
int iov_registry_submit(struct iov_ctx *ctx, const char *url, json_t *release, const char *archive,
			const struct iov_signer *publisher);
/* The same with a release.note that several publishers may have signed, and its record. */
int iov_registry_submit_note(struct iov_ctx *ctx, const char *url, json_t *release, const struct iov_buf *note,
			     const char *archive);
/* The same with a statement (statement.h); it waits under the digest of its note. */
int iov_registry_submit_statement(struct iov_ctx *ctx, const char *url, const struct iov_buf *note,
				  char ret_sha256[IOV_HEX_SIZE]);
/* Takes in the submission of this digest, or all that wait (sha256 NULL). Publishing the same bytes twice is success;
 * other bytes under a published version is IOV_E_CONFLICT. A refused submission leaves main untouched and is deleted;
 * where one was asked for, its refusal is the error. *ret: {"accepted": [{"again", "kind", "log", "name",
 * "sha256", "version" or "versions"}], "refused": [{"name", "reason", "sha256"}]}; may be NULL. */
int iov_registry_take_in(struct iov_ctx *ctx, const char *path, const struct iov_signer *registry, const char *sha256,
			 json_t **ret);
/* All that wait; with `verdicts` each refusal is written to a ref, too, for a publisher who cannot see this answer
 * (verdict.h). */
int iov_registry_take_all(struct iov_ctx *ctx, const char *path, const struct iov_signer *registry, bool verdicts,
			  json_t **ret);
/* The same as git's hook proc-receive, for the submissions of one push, which git names on `in` and is answered on
 * `out` (receive.h). Refusals are the answers of those refs; where the host is in trouble, or `registry` is NULL
 * because of what `trouble` says, submissions wait. */
int iov_registry_answer_push(struct iov_ctx *ctx, const char *path, const struct iov_signer *registry,
			     const char *trouble, int in, int out);
/* What a registry would say of a release, as far as its signatures, its version and its exports go: IOV_E_UNTRUSTED,
 * IOV_E_CONFLICT, IOV_E_CONTRACT (core/step.h). `known`: these very bytes are published. One by the repository itself,
 * one by what this host has seen of a registry that it reads. */
int iov_registry_foresee(struct iov_ctx *ctx, const char *path, const struct iov_release *release, bool *ret_known);
int iov_registries_foresee(struct iov_ctx *ctx, struct iov_registries *registries, const char *registry,
			   const struct iov_release *release, bool *ret_known);

#endif
