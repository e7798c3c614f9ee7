/*
 * C2SP signed notes: a text that ends in a newline, an empty line, then signature lines "— NAME BASE64(hash ||
 * signature)".
 */
#ifndef IOV_SIGN_NOTE_H
#define IOV_SIGN_NOTE_H

#include "core/json.h"
#include "sign/key.h"
#include "util/buf.h"

#define IOV_NOTE_MAX (1u << 20) /* bytes */
#define IOV_NOTE_SIGNATURES_MAX 64

struct iov_note_signature {
	char name[IOV_KEY_NAME_MAX + 1];
	uint32_t hash;
	uint8_t bytes[64];
};
struct iov_note_text {
	char *text; /* with its final newline; owned */
	size_t len;
	struct iov_note_signature *signatures; /* owned */
	size_t n_signatures;
};

/* Takes a note apart without judging its signatures. IOV_E_UNTRUSTED on any deviation from the format. */
int iov_note_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_note_text *ret);
/* The same for a document prepared for signatures: a text, an empty line, and no signature yet or some. */
int iov_note_parse_prepared(struct iov_ctx *ctx, const char *what, const char *data, size_t len,
			    struct iov_note_text *ret);
/* The note with one more signature; *ret_again: the key had signed it already, and nothing is added. */
int iov_note_cosign(struct iov_ctx *ctx, const char *what, const char *data, size_t len,
		    const struct iov_signer *signer, struct iov_buf *ret, bool *ret_again);
void iov_note_text_release(struct iov_note_text *note);
/* How many *different* keys of the list have a good signature on it. */
size_t iov_note_count_signers(const struct iov_note_text *note, const struct iov_verifier *keys, size_t count);
/* The signature lines as they stand in a note whose text has `text_len` bytes: a new array of strings; NULL: no memory.
 */
json_t *iov_note_lines(const char *note, size_t len, size_t text_len);
/* One signature line "— NAME BASE64" over text (which ends in a newline). Owned by the caller. */
int iov_note_sign_line(struct iov_ctx *ctx, const struct iov_signer *signer, const char *text, size_t len,
		       char **ret_line);
bool iov_note_line_is_good(const struct iov_verifier *key, const char *line, const char *text, size_t len);
/* The whole note. */
int iov_note_make(struct iov_ctx *ctx, const char *text, const struct iov_signer *const *signers, size_t count,
		  struct iov_buf *ret);

#endif
