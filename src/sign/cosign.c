#include "sign/cosign.h"

#include <stdio.h>
#include <string.h>

#include "sign/base64.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space open a signature line */
#define TYPE 0x04
#define KEY_SIZE 32
#define BLOB_SIZE (1 + KEY_SIZE)
#define COSIGNATURE_SIZE (4 + 8 + 64) /* key id, time, signature */

static uint32_t key_id(const char *name, const uint8_t key[KEY_SIZE])
{
	uint8_t text[IOV_KEY_NAME_MAX + 2 + KEY_SIZE], digest[IOV_DIGEST_SIZE];
	size_t len = strlen(name);
	memcpy(text, name, len);
	text[len] = '\n';
	text[len + 1] = TYPE;
	memcpy(text + len + 2, key, KEY_SIZE);
	iov_sha256(text, len + 2 + KEY_SIZE, digest);
	return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}

/* ---- keys ---- */

/* NAME+HASH8+BASE64 with type 0x04; false: it is something else. */
static bool split(const char *text, char name[IOV_KEY_NAME_MAX + 1], uint32_t *ret_hash, uint8_t blob[BLOB_SIZE])
{
	size_t name_len = strcspn(text, "+"), len = 0;
	const char *hash = text + name_len + 1;
	uint8_t bytes[4];
	char digits[9] = "";
	if (!text[name_len] || name_len > IOV_KEY_NAME_MAX || strlen(hash) < 9 || hash[8] != '+')
		return false;
	memcpy(name, text, name_len);
	name[name_len] = '\0';
	memcpy(digits, hash, 8);
	if (!iov_unhex(digits, bytes, sizeof(bytes)) ||
	    !iov_unbase64(hash + 9, strlen(hash + 9), BLOB_SIZE, blob, &len) || len != BLOB_SIZE || blob[0] != TYPE)
		return false;
	*ret_hash = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	return true;
}

int iov_witness_parse(struct iov_ctx *ctx, const char *text, struct iov_verifier *ret)
{
	uint8_t blob[BLOB_SIZE];
	uint32_t hash = 0;
	char name[IOV_KEY_NAME_MAX + 1];
	struct iov_verifier key = {.hash = 0};
	bool is_witness = split(text, name, &hash, blob);
	int rc = is_witness ? iov_verifier_make(ctx, name, blob + 1, &key) : iov_verifier_parse(ctx, text, &key);
	if (rc)
		return rc;
	key.hash = key_id(key.name, key.key);
	if (is_witness && hash != key.hash)
		return iov_error(ctx, IOV_E_INPUT,
				 "witness key '%.200s' is damaged: its hash should be %08x; copy it again", text,
				 key.hash);
	*ret = key;
	return IOV_OK;
}

char *iov_witness_text(const struct iov_verifier *key)
{
	char base64[IOV_BASE64_SIZE(BLOB_SIZE)];
	uint8_t blob[BLOB_SIZE] = {TYPE};
	struct iov_buf text = {0};
	memcpy(blob + 1, key->key, KEY_SIZE);
	iov_base64(blob, sizeof(blob), base64);
	iov_buf_printf(&text, "%s+%08x+%s", key->name, key_id(key->name, key->key), base64);
	return iov_buf_take(&text);
}

/* ---- lines ---- */

static void message(struct iov_buf *ret, const char *text, uint64_t time)
{
	iov_buf_printf(ret, "cosignature/v1\ntime %llu\n%s", (unsigned long long)time, text);
}

static void put_number(uint8_t *at, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(number >> 8 * (bytes - 1 - i));
}

static uint64_t get_number(const uint8_t *at, size_t bytes)
{
	uint64_t number = 0;
	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

int iov_cosign(struct iov_ctx *ctx, const struct iov_signer *witness, const char *text, uint64_t time, char **ret_line)
{
	uint8_t bytes[COSIGNATURE_SIZE];
	char base64[IOV_BASE64_SIZE(COSIGNATURE_SIZE)];
	iov_auto(iov_buf_release) struct iov_buf signed_text = {0};
	const struct iov_verifier *key = &witness->verifier;
	message(&signed_text, text, time);
	if (iov_buf_failed(&signed_text))
		return iov_oom(ctx);
	put_number(bytes, key_id(key->name, key->key), 4);
	put_number(bytes + 4, time, 8);
	iov_sign(witness, signed_text.data, signed_text.len, bytes + 12);
	iov_base64(bytes, sizeof(bytes), base64);
	if (asprintf(ret_line, DASH "%s %s", key->name, base64) < 0)
		return iov_oom(ctx);
	return IOV_OK;
}

const char *iov_line_name(const char *line, size_t *ret_len)
{
	bool opens = !strncmp(line, DASH, strlen(DASH));
	const char *name = opens ? line + strlen(DASH) : line;
	*ret_len = opens ? strcspn(name, " ") : 0;
	return name;
}

static bool is_good(const struct iov_verifier *witness, const char *line, const char *text)
{
	uint8_t bytes[COSIGNATURE_SIZE];
	size_t len = 0, name_len;
	iov_auto(iov_buf_release) struct iov_buf signed_text = {0};
	const char *name = iov_line_name(line, &name_len);
	if (name_len != strlen(witness->name) || memcmp(name, witness->name, name_len) != 0 || name[name_len] != ' ')
		return false;
	const char *base64 = name + name_len + 1;
	if (!iov_unbase64(base64, strlen(base64), sizeof(bytes), bytes, &len) || len != sizeof(bytes) ||
	    get_number(bytes, 4) != witness->hash)
		return false;
	message(&signed_text, text, get_number(bytes + 4, 8));
	return !iov_buf_failed(&signed_text) &&
	       iov_signature_is_good(witness, signed_text.data, signed_text.len, bytes + 12);
}

bool iov_cosigned_by(const struct iov_verifier *witness, const json_t *lines, const char *text)
{
	for (size_t i = 0; i < json_array_size(lines); i++)
		if (is_good(witness, json_string_value(json_array_get(lines, i)), text))
			return true;
	return false;
}
