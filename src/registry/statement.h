/*
 * What a publisher, or the registry's owner, says of releases after their publish: a signed note, event.note, whose
 * text is canonical JSON and a newline:
 *
 *   {"kind":"yank","name":"flow-top","origin":"example.org/modules","reason":"…","schema":1,"since":7,"versions":["1.0.0"]}
 *
 * kind is yank, unyank, deprecate ("text", and "successor" if there is one) or undeprecate. `since` is the newest entry
 * of the log about any of these releases: once an event is in the log, what was signed before it can no longer be used.
 */
#ifndef IOV_REGISTRY_STATEMENT_H
#define IOV_REGISTRY_STATEMENT_H

#include "core/release.h"
#include "registry/root.h"

#define IOV_EVENT_NOTE_PATH "event.note"
#define IOV_EVENT_NOTE_MAX (48u << 10)	/* bytes; as a leaf, with its signatures, it has to fit into 64 KiB */
#define IOV_STATEMENT_VERSIONS_MAX 1024 /* releases in one statement */

struct iov_statement_kind {
	const char *name;
	const char *member; /* of the index line */
	const char *text;   /* the member that says why; NULL: this kind undoes */
	const char *words;  /* "yanked", "no longer yanked" */
};

struct iov_statement {
	json_t *json;	    /* owned; strings are borrowed from it */
	json_t *signatures; /* lines "— NAME BASE64"; owned; NULL: it was not read from a note */
	const struct iov_statement_kind *kind;
	const char *name, *origin;
	const char *text, *successor; /* NULL: none */
	json_t *versions;	      /* of strings, ascending; at least one; borrowed */
	uint64_t since;
};

const struct iov_statement_kind *iov_statement_kind(const char *name); /* NULL: no such kind */

/* A JSON document, of a note or of a leaf; takes its own reference. */
int iov_statement_read(struct iov_ctx *ctx, json_t *json, struct iov_statement *ret);
/* An event.note: `text` must be canonical. `what` names it in errors. */
int iov_statement_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_statement *ret);
void iov_statement_release(struct iov_statement *statement);
/* A new reference; NULL: no memory. `text` and `successor` as the kind has them, otherwise NULL. */
json_t *iov_statement_make(const struct iov_statement_kind *kind, const char *name, const char *origin,
			   const char *text, const char *successor, json_t *versions, uint64_t since);
/* The note of a statement; checked before it is given out. */
int iov_statement_note(struct iov_ctx *ctx, json_t *json, const struct iov_signer *signer, struct iov_buf *ret_note);

/* Signed by a threshold of the publishers of that name, as the last of these roots has them for entry `log` of the log
 * (IOV_LOG_NOT_YET), or of the own keys of one of the roots: the registry's owner, then or now. */
int iov_statement_check_signers(struct iov_ctx *ctx, struct iov_root *const *roots, size_t n_roots,
				const struct iov_statement *statement, uint64_t log);

/* Does the statement speak of this release? */
bool iov_statement_names(const struct iov_statement *statement, const struct iov_release *release);
/* Is the release already as the statement says? */
bool iov_statement_holds(const struct iov_statement *statement, const struct iov_release *release);
/* What the statement says, into an index line, as of entry `log`. */
int iov_statement_apply(struct iov_ctx *ctx, const struct iov_statement *statement, uint64_t log, json_t *line);
/* What an index said of the releases that a statement names, before it. */
struct iov_restated {
	size_t count;	 /* of them */
	uint64_t newest; /* entry of the log about any of them */
};
/* The same to a whole index file: every line that the statement names. `ret_before` may be NULL. */
int iov_statement_rewrite(struct iov_ctx *ctx, const struct iov_statement *statement, uint64_t log, const char *index,
			  size_t len, struct iov_buf *ret, struct iov_restated *ret_before);

#endif
