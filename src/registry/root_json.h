/* What roots are made of, as JSON: the parts that a first root and every later one share. */
#ifndef IOV_REGISTRY_ROOT_JSON_H
#define IOV_REGISTRY_ROOT_JSON_H

#include "registry/root.h"

/* The key's id in the document, what signature lines say of it: NAME+HASH. It is added to `keys` where it is missing. A
 * new reference. */
int iov_root_json_key(struct iov_ctx *ctx, json_t *keys, const struct iov_verifier *verifier, json_t **ret_id);
/* The rule of this pattern; borrowed; NULL: there is none. */
json_t *iov_root_json_rule(const json_t *rules, const char *pattern);
/* Lets a key publish; false in *ret_new: it could already. */
int iov_root_json_allow(struct iov_ctx *ctx, json_t *keys, json_t *rules, const char *pattern,
			const struct iov_verifier *verifier, bool *ret_new);
bool iov_root_json_has(const json_t *ids, const json_t *id);
/* Takes the id out of a list; false: it was not in it. */
bool iov_root_json_drop(json_t *ids, const json_t *id);
/* The document as a note without signatures, once it reads back as a root. */
int iov_root_json_text(struct iov_ctx *ctx, const json_t *document, struct iov_buf *ret);

#endif
