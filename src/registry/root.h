/*
 * The root of a registry's trust: who may sign what. Signed notes root/1.note, root/2.note, …, each signed by a
 * threshold of the root before it and of itself. Clients pin the first by the SHA-256 of its text.
 * docs/registry-format.md has the document.
 */
#ifndef IOV_REGISTRY_ROOT_H
#define IOV_REGISTRY_ROOT_H

#include "core/json.h"
#include "sign/note.h"

#define IOV_ROOT_MAX (256u << 10) /* bytes: about 1000 keys */
#define IOV_ROOT_DAYS 1826	  /* validity of a first root: five years; a host replaces it long before */
#define IOV_ROOT_PATH_MAX 40

struct iov_role {
	struct iov_verifier *keys; /* owned */
	size_t n_keys;
	size_t threshold; /* how many different keys must sign */
};

/* Who may publish under a pattern: "*", "prefix*" or a whole name. The longest pattern that fits a name decides alone.
 */
struct iov_publishers {
	const char *pattern; /* borrowed from the root */
	struct iov_role role;
};

/* A key that publishes no more, or under other rules: what it signed under the pattern below this size of the log stays
 * good, as long as `threshold` such keys signed it. */
struct iov_retired {
	const char *pattern; /* borrowed from the root */
	struct iov_verifier key;
	uint64_t log_size;
	size_t threshold;
	bool leaked; /* it was taken back with a place in the log, as a stolen one; it must not be let in again */
};

struct iov_root {
	json_t *json;
	uint64_t version;
	const char *origin; /* borrowed from json */
	int64_t expires;    /* seconds since 1970 */
	struct iov_role root, registry;
	struct iov_publishers *publishers;
	size_t n_publishers;
	struct iov_retired *retired;
	size_t n_retired;
	bool resumes; /* the head counter begins anew, and the log goes on from what is named here: the way out after a
			 stolen registry key */
	uint64_t resume_size;
	uint8_t resume_root[IOV_DIGEST_SIZE];
	struct iov_note_text note;
	struct iov_buf bytes;		/* the whole note as it came */
	char fingerprint[IOV_HEX_SIZE]; /* of the note's text */
};

/* What a root says, for making one. `publishers` are "PATTERN=VERIFIER-KEY" strings; the signer's own key is added to
 * "*". */
struct iov_root_plan {
	const char *origin;
	int64_t expires;
	const struct iov_signer *signer; /* root, registry and publisher */
	const char *const *publishers;
	size_t n_publishers;
};
int iov_root_make(struct iov_ctx *ctx, const struct iov_root_plan *plan, struct iov_buf *ret_note);

/* Takes a root note apart and checks that its own root role signed it. `what` names it in errors. */
int iov_root_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_root **ret);
/* The same for a root that is not signed, or not by enough keys yet. */
int iov_root_parse_prepared(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_root **ret);
void iov_root_free(struct iov_root *root);
/* That `next` follows `root`: the version one higher, the same origin, signed by `root`'s root role too. */
int iov_root_check_next(struct iov_ctx *ctx, const char *what, const struct iov_root *root,
			const struct iov_root *next);
int iov_root_check_fresh(struct iov_ctx *ctx, const char *what, const struct iov_root *root, int64_t now);

bool iov_is_pattern(const char *pattern);
/* How much of a name the pattern fixes; -1: it does not fit. A whole name beats the same name with '*'. A pattern can
 * be the name: it fits when all names of it do. */
int iov_pattern_fit(const char *pattern, const char *name);
/* Who may publish a module; NULL: nobody. */
const struct iov_role *iov_root_publishers(const struct iov_root *root, const char *name);
/* That enough of a role's keys have signed `what`; `whose` says which keys those are: "root 2 names for the registry".
 */
int iov_role_check(struct iov_ctx *ctx, const struct iov_role *role, const struct iov_note_text *note, const char *what,
		   const char *whose);
/* The same for signature lines (a JSON array of strings) over a text. The names of those who signed go to `ret_names`
 * (a new array) when not NULL. */
bool iov_role_signed_lines(const struct iov_role *role, const json_t *lines, const char *text, size_t len,
			   json_t **ret_names);

bool iov_key_signed_lines(const struct iov_verifier *key, const json_t *lines, const char *text, size_t len);

void iov_root_path(uint64_t version, char ret[IOV_ROOT_PATH_MAX]); /* "root/1.note" */

#endif
