/*
 * The whole log replayed against the whole index, in three passes, so that memory stays small (about 80 bytes an event
 * and 150 a module, over HTTP 300, beside one index file at a time):
 *
 *   audit_log       every leaf in its order: its form, its place in the tree, who signed what it says of releases,
 * roots audit_index     every index file: built anew from its events, it must be the one that the manifest lists
 *   audit_manifest  every event in its order: manifest/top as it must have been after it is the one that the leaf names
 *
 * What does not fit first is the error, IOV_E_UNTRUSTED.
 */
#ifndef IOV_REGISTRY_AUDIT_H
#define IOV_REGISTRY_AUDIT_H

#include "registry/subject.h"
#include "registry/event.h"

#define IOV_AUDIT_NONE UINT32_MAX
#define IOV_AUDIT_SHARDS 256

struct iov_audit_event {
	uint32_t module; /* number of its name; IOV_AUDIT_NONE: about no module */
	uint32_t next;	 /* the module's next event */
	uint32_t root;	 /* in force when it happened */
	uint32_t size;	 /* of the index file once it happened */
	uint8_t manifest[IOV_DIGEST_SIZE];
	uint8_t digest[IOV_DIGEST_SIZE]; /* of what a publish says, first; then of the index file once it happened */
};

struct iov_audit_module {
	char *name;
	uint32_t first, last; /* of its events */
};

struct iov_audit {
	struct iov_ctx *ctx;
	const struct iov_subject *subject;
	struct iov_audit_event *events;
	size_t n_events;
	struct iov_audit_module *modules;
	size_t n_modules;
	json_t *numbers;	     /* name -> number */
	struct iov_leaf *statements; /* in their order, with */
	uint32_t *positions;	     /* their places in the log */
	size_t n_statements;
	struct iov_root **roots; /* root 1 first; those that the log has named so far */
	size_t n_roots;
	uint64_t releases;
	struct iov_listing top, shards[IOV_AUDIT_SHARDS]; /* over HTTP, as far as they were read */
};

/* A document about a registry that is in order: {"entries", "fingerprint", "good", "head", "modules", "origin",
 * "pinned": whether this host has, "registry", "releases", "root"}; or with "good" false and "reason" for one that is
 * not. Failures of this host are errors; IOV_E_BUSY: it has moved on while it was read. */
int iov_registry_audit_at(struct iov_ctx *ctx, const char *what, json_t **ret);

int iov_audit_log(struct iov_audit *audit);
int iov_audit_index(struct iov_audit *audit);
int iov_audit_manifest(struct iov_audit *audit);

/* Makes of what the path of a module's index file gave the file that the head comes to, as far as it can be had: over
 * HTTP a registry may move on while it is read (source.h). */
int iov_audit_settle(struct iov_audit *audit, const char *name, struct iov_buf *file);

/* IOV_E_UNTRUSTED about entry `position`. */
int iov_audit_misfit(struct iov_audit *audit, uint64_t position, const char *how);
/* What a publish says, as one digest: module, version, archive, record, time, place. */
int iov_audit_identity(struct iov_ctx *ctx, const char *name, const char *version, const char *archive,
		       const char *record, const char *time, uint64_t position, uint8_t ret[IOV_DIGEST_SIZE]);
/* NULL: entry `position` is no statement. */
const struct iov_statement *iov_audit_statement(const struct iov_audit *audit, uint32_t position);

#endif
