#include "sign/note.h"

#include <stdio.h>
#include <string.h>

#include "sign/base64.h"
#include "util/cleanup.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space open a signature line */
#define DASH_LEN (sizeof(DASH) - 1)
#define SIGNED_SIZE 68	   /* key hash and Ed25519 signature */
#define SIGNATURE_MAX 8192 /* bytes of any other signature: post-quantum ones take 5 KB */

/* The length of the UTF-8 sequence at `at`, and its code point; 0: not UTF-8 (overlong, surrogate, truncated). */
static size_t decode(const unsigned char *at, size_t left, uint32_t *ret_point)
{
	static const struct {
		unsigned char mask, bits;
		uint32_t least;
	} forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	for (size_t extra = 0; extra < IOV_COUNT(forms); extra++) {
		if ((at[0] & forms[extra].mask) != forms[extra].bits)
			continue;
		uint32_t point = at[0] & (unsigned char)~forms[extra].mask;
		if (extra >= left)
			return 0;
		for (size_t i = 1; i <= extra; i++) {
			if ((at[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (at[i] & 0x3f);
		}
		*ret_point = point;
		return point < forms[extra].least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)
			       ? 0
			       : extra + 1;
	}
	return 0;
}

static bool is_text(const char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t point;
		size_t step = decode((const unsigned char *)data + at, len - at, &point);
		if (!step || (point < 0x20 && point != '\n'))
			return false;
		at += step;
	}
	return true;
}

/* White space of Unicode beyond ASCII, which a key's name may not hold. */
static bool is_space(uint32_t point)
{
	return point <= 0x20 || point == 0x85 || point == 0xa0 || point == 0x1680 ||
	       (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 || point == 0x202f ||
	       point == 0x205f || point == 0x3000;
}

/* `name` lies in text that is UTF-8. */
static bool is_name(const char *name, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t point;
		size_t step = decode((const unsigned char *)name + at, len - at, &point);
		if (!step || is_space(point) || point == '+')
			return false;
		at += step;
	}
	return len > 0;
}

static uint32_t big_endian(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

enum line { LINE_BAD, LINE_FOREIGN, LINE_ED25519 };

/*
 * A line without its newline. Signatures of other types and of longer names than ours are legal and can only be of keys
 * that we do not know: they are passed over, as the specification asks.
 */
static enum line parse_line(const char *line, size_t len, struct iov_note_signature *ret)
{
	if (len <= DASH_LEN || memcmp(line, DASH, DASH_LEN) != 0)
		return LINE_BAD;
	const char *name = line + DASH_LEN;
	const char *space = memchr(name, ' ', len - DASH_LEN);
	if (!space || !is_name(name, (size_t)(space - name)))
		return LINE_BAD;
	size_t name_len = (size_t)(space - name), n_bytes = 0;
	uint8_t bytes[SIGNATURE_MAX];
	if (!iov_unbase64(space + 1, (size_t)(line + len - space) - 1, sizeof(bytes), bytes, &n_bytes) || n_bytes < 5)
		return LINE_BAD;
	if (n_bytes != SIGNED_SIZE || name_len > IOV_KEY_NAME_MAX)
		return LINE_FOREIGN;
	*ret = (struct iov_note_signature){.hash = big_endian(bytes)};
	memcpy(ret->name, name, name_len);
	memcpy(ret->bytes, bytes + 4, sizeof(ret->bytes));
	return LINE_ED25519;
}

static const char *parse_signatures(const char *at, const char *end, struct iov_note_text *note)
{
	for (size_t lines = 0; at < end; lines++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return "it does not end in a newline";
		if (lines == IOV_NOTE_SIGNATURES_MAX)
			return "it has too many signatures";
		enum line kind = parse_line(at, (size_t)(newline - at), &note->signatures[note->n_signatures]);
		if (kind == LINE_BAD)
			return "a signature line is malformed";
		note->n_signatures += kind == LINE_ED25519;
		at = newline + 1;
	}
	return NULL;
}

/* Where the last empty line begins; it parts text and signatures. */
static const char *last_empty_line(const char *data, size_t len)
{
	for (size_t at = len; at >= 2; at--)
		if (data[at - 1] == '\n' && data[at - 2] == '\n')
			return data + at - 1;
	return NULL;
}

static int refuse(struct iov_ctx *ctx, const char *what, const char *why)
{
	return iov_error(ctx, IOV_E_UNTRUSTED, "%s is no signed note: %s; fetch it again from its source", what, why);
}

static int parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, bool prepared,
		 struct iov_note_text *ret)
{
	if (len > IOV_NOTE_MAX)
		return refuse(ctx, what, "it is longer than 1 MiB");
	if (!is_text(data, len))
		return refuse(ctx, what, "it is not plain UTF-8 text");
	const char *empty = last_empty_line(data, len);
	if (!empty || (empty + 1 == data + len && !prepared))
		return refuse(ctx, what, "it has no signatures");

	iov_auto(iov_note_text_release) struct iov_note_text note = {.len = (size_t)(empty - data)};
	note.text = strndup(data, note.len);
	note.signatures = calloc(IOV_NOTE_SIGNATURES_MAX, sizeof(*note.signatures));
	if (!note.text || !note.signatures)
		return iov_oom(ctx);
	const char *why = parse_signatures(empty + 1, data + len, &note);
	if (why)
		return refuse(ctx, what, why);
	*ret = note;
	note = (struct iov_note_text){0};
	return IOV_OK;
}

int iov_note_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len, struct iov_note_text *ret)
{
	return parse(ctx, what, data, len, false, ret);
}

int iov_note_parse_prepared(struct iov_ctx *ctx, const char *what, const char *data, size_t len,
			    struct iov_note_text *ret)
{
	return parse(ctx, what, data, len, true, ret);
}

void iov_note_text_release(struct iov_note_text *note)
{
	free(note->text);
	free(note->signatures);
	*note = (struct iov_note_text){0};
}

static bool is_by(const struct iov_note_signature *signature, const struct iov_verifier *key)
{
	return signature->hash == key->hash && !strcmp(signature->name, key->name);
}

enum verdict { SIGNED_NOT, SIGNED_WELL, SIGNED_BADLY };

static enum verdict judge(const struct iov_note_text *note, const struct iov_verifier *key)
{
	enum verdict verdict = SIGNED_NOT;
	for (size_t i = 0; i < note->n_signatures; i++) {
		if (!is_by(&note->signatures[i], key))
			continue;
		if (!iov_signature_is_good(key, note->text, note->len, note->signatures[i].bytes))
			return SIGNED_BADLY;
		verdict = SIGNED_WELL;
	}
	return verdict;
}

/* The same public key under two names is one signer. */
static bool listed_before(const struct iov_verifier *keys, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!memcmp(keys[i].key, keys[at].key, sizeof(keys[at].key)))
			return true;
	return false;
}

/* A bad signature in the name of a known key spoils the whole note, as the specification recommends. */
size_t iov_note_count_signers(const struct iov_note_text *note, const struct iov_verifier *keys, size_t count)
{
	size_t good = 0;
	for (size_t i = 0; i < count; i++) {
		enum verdict verdict = judge(note, &keys[i]);
		if (verdict == SIGNED_BADLY)
			return 0;
		if (verdict == SIGNED_WELL && !listed_before(keys, i))
			good++;
	}
	return good;
}

int iov_note_sign_line(struct iov_ctx *ctx, const struct iov_signer *signer, const char *text, size_t len,
		       char **ret_line)
{
	uint32_t hash = signer->verifier.hash;
	uint8_t bytes[SIGNED_SIZE] = {(uint8_t)(hash >> 24), (uint8_t)(hash >> 16), (uint8_t)(hash >> 8),
				      (uint8_t)hash};
	char base64[IOV_BASE64_SIZE(SIGNED_SIZE)];
	iov_sign(signer, text, len, bytes + 4);
	iov_base64(bytes, sizeof(bytes), base64);
	char *line = NULL;
	if (asprintf(&line, DASH "%s %s", signer->verifier.name, base64) < 0)
		return iov_oom(ctx);
	*ret_line = line;
	return IOV_OK;
}

bool iov_note_line_is_good(const struct iov_verifier *key, const char *line, const char *text, size_t len)
{
	struct iov_note_signature signature;
	return is_text(line, strlen(line)) && parse_line(line, strlen(line), &signature) == LINE_ED25519 &&
	       is_by(&signature, key) && iov_signature_is_good(key, text, len, signature.bytes);
}

int iov_note_make(struct iov_ctx *ctx, const char *text, const struct iov_signer *const *signers, size_t count,
		  struct iov_buf *ret)
{
	size_t len = strlen(text);
	if (!len || text[len - 1] != '\n' || !is_text(text, len))
		return iov_error(ctx, IOV_E_INTERNAL, "a note's text is UTF-8 and ends in a newline");
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_buf_printf(&note, "%s\n", text);
	for (size_t i = 0; i < count; i++) {
		iov_auto(iov_free_ptr) char *line = NULL;
		int rc = iov_note_sign_line(ctx, signers[i], text, len, &line);
		if (rc)
			return rc;
		iov_buf_printf(&note, "%s\n", line);
	}
	if (iov_buf_failed(&note))
		return iov_oom(ctx);
	iov_buf_release(ret);
	*ret = note;
	note = (struct iov_buf){0};
	return IOV_OK;
}

/* They follow the text and an empty line. */
json_t *iov_note_lines(const char *note, size_t len, size_t text_len)
{
	json_t *lines = json_array();
	for (const char *at = note + text_len + 1, *end = note + len; lines && at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((newline ? newline : end) - at);
		if (json_array_append_new(lines, json_stringn(at, line))) {
			json_decref(lines);
			return NULL;
		}
		at += line + 1;
	}
	return lines;
}

int iov_note_cosign(struct iov_ctx *ctx, const char *what, const char *data, size_t len,
		    const struct iov_signer *signer, struct iov_buf *ret, bool *ret_again)
{
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_free_ptr) char *line = NULL;
	int rc = iov_note_parse_prepared(ctx, what, data, len, &note);
	if (!rc && note.n_signatures == IOV_NOTE_SIGNATURES_MAX)
		rc = iov_error(ctx, IOV_E_INPUT, "%s has %d signatures already, and no more are read", what,
			       IOV_NOTE_SIGNATURES_MAX);
	if (!rc)
		rc = iov_note_sign_line(ctx, signer, note.text, note.len, &line);
	if (rc)
		return rc;
	*ret_again = iov_note_count_signers(&note, &signer->verifier, 1) > 0;
	iov_buf_add(ret, data, len);
	if (!*ret_again)
		iov_buf_printf(ret, "%s\n", line);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}
