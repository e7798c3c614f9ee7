/* What the files of the forging tool share. */
#ifndef IOV_TESTS_FORGE_H
#define IOV_TESTS_FORGE_H

#include "core/json.h"
#include "registry/changes.h"
#include "registry/source.h"
#include "sign/note.h"

#define FORGE_KEYS_MAX 8

struct forge {
	struct iov_ctx *ctx;
	struct iov_signer keys[FORGE_KEYS_MAX];
	size_t n_keys;
	char **words; /* what is neither the command nor a key */
	size_t n_words;
};

/* The next word; `what` names it when it is missing. */
int forge_word(struct forge *forge, const char *what, const char **ret);

/* ---- files of the tree (tree.c) ---- */

/* Below the tree, or as it is when it begins with a slash. */
char *forge_path(const char *tree, const char *file);
int forge_read(struct iov_ctx *ctx, const char *tree, const char *file, struct iov_buf *ret);
int forge_write(struct iov_ctx *ctx, const char *tree, const char *file, const void *data, size_t len);
int forge_write_changes(struct iov_ctx *ctx, const char *tree, const struct iov_changes *changes);
/* As if the tree were a commit of a registry; borrowed from `tree`. */
struct iov_source forge_source(const char *tree);

/* ---- notes (note.c) ---- */

/* The JSON before a note's first empty line. */
int forge_read_document(struct iov_ctx *ctx, const char *tree, const char *file, json_t **ret);
/* A note of this text, or of this JSON in its canonical form, signed by all keys of the command line, in their order.
 */
int forge_write_note(struct forge *forge, const char *tree, const char *file, const char *text);
int forge_write_document(struct forge *forge, const char *tree, const char *file, const json_t *json);
/* Takes the words that are left, MEMBER=VALUE each. */
int forge_set_members(struct forge *forge, json_t *json);

/* ---- commands ---- */

int forge_head(struct forge *forge);
int forge_sign(struct forge *forge);
int forge_keys(struct forge *forge);
int forge_lines(struct forge *forge);
int forge_list(struct forge *forge);
int forge_place(struct forge *forge);
int forge_leaves(struct forge *forge);
int forge_log(struct forge *forge);

#endif
