#include "sign/keybox.h"

#include <sodium.h>
#include <string.h>

#include "sign/keytext.h"
#include "util/cleanup.h"

#define PREFIX "ENCRYPTED+KEY+"
#define BOX_VERSION 0x01
#define KEY_SIZE 32

/* The bytes behind the base64. */
enum place {
	AT_VERSION = 1,
	AT_PUBLIC,
	AT_PASSES = AT_PUBLIC + KEY_SIZE,
	AT_MEMORY = AT_PASSES + 4,
	AT_SALT = AT_MEMORY + 4,
	AT_NONCE = AT_SALT + IOV_KEYBOX_SALT,
	AT_SEALED = AT_NONCE + IOV_KEYBOX_NONCE,
	BLOB_SIZE = AT_SEALED + IOV_KEYBOX_SEALED
};
_Static_assert(BLOB_SIZE <= IOV_KEY_BLOB_MAX, "the blob fits");
_Static_assert(IOV_KEYBOX_SALT == crypto_pwhash_SALTBYTES, "libsodium's salt");
_Static_assert(IOV_KEYBOX_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "libsodium's nonce");
_Static_assert(IOV_KEYBOX_SEALED == KEY_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES, "libsodium's tag");

static void put_number(uint8_t *at, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> (24 - 8 * i));
}

static uint32_t get_number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write_blob(const struct iov_keybox *box, uint8_t blob[BLOB_SIZE])
{
	blob[0] = IOV_KEY_ED25519;
	blob[AT_VERSION] = BOX_VERSION;
	memcpy(blob + AT_PUBLIC, box->verifier.key, KEY_SIZE);
	put_number(blob + AT_PASSES, box->passes);
	put_number(blob + AT_MEMORY, box->memory);
	memcpy(blob + AT_SALT, box->salt, sizeof(box->salt));
	memcpy(blob + AT_NONCE, box->nonce, sizeof(box->nonce));
	memcpy(blob + AT_SEALED, box->sealed, sizeof(box->sealed));
}

/* What is sealed along unencrypted: the name, a newline, and the blob up to the seal. */
static size_t bound_text(const struct iov_keybox *box, uint8_t text[IOV_KEY_NAME_MAX + 1 + BLOB_SIZE])
{
	size_t len = strlen(box->verifier.name);
	memcpy(text, box->verifier.name, len);
	text[len] = '\n';
	write_blob(box, text + len + 1);
	return len + 1 + AT_SEALED;
}

static int stretch(struct iov_ctx *ctx, const struct iov_keybox *box, const char *passphrase, uint8_t ret[KEY_SIZE])
{
	if (!crypto_pwhash(ret, KEY_SIZE, passphrase, strlen(passphrase), box->salt, box->passes,
			   (size_t)box->memory << 10, crypto_pwhash_ALG_ARGON2ID13))
		return IOV_OK;
	return iov_error(ctx, IOV_E_SPACE, "key '%s': its passphrase takes %u KiB of memory, which are not there",
			 box->verifier.name, box->memory);
}

int iov_keybox_seal(struct iov_ctx *ctx, const struct iov_signer *signer, const char *passphrase,
		    struct iov_keybox *box)
{
	uint8_t key[KEY_SIZE], bound[IOV_KEY_NAME_MAX + 1 + BLOB_SIZE];
	if (sodium_init() < 0)
		return iov_error(ctx, IOV_E_INTERNAL, "no random bytes for key '%s': this system has none to give",
				 signer->verifier.name);
	box->verifier = signer->verifier;
	randombytes_buf(box->salt, sizeof(box->salt));
	randombytes_buf(box->nonce, sizeof(box->nonce));
	int rc = stretch(ctx, box, passphrase, key);
	if (!rc)
		crypto_aead_xchacha20poly1305_ietf_encrypt(box->sealed, NULL, signer->seed, KEY_SIZE, bound,
							   bound_text(box, bound), NULL, box->nonce, key);
	sodium_memzero(key, sizeof(key));
	return rc;
}

int iov_keybox_wrong_passphrase(struct iov_ctx *ctx, const struct iov_keybox *box)
{
	return iov_error(ctx, IOV_E_PERMISSION, "wrong passphrase for key '%s'; try again", box->verifier.name);
}

static int unseal(struct iov_ctx *ctx, const struct iov_keybox *box, const uint8_t key[KEY_SIZE],
		  uint8_t ret_seed[KEY_SIZE])
{
	uint8_t bound[IOV_KEY_NAME_MAX + 1 + BLOB_SIZE];
	if (!crypto_aead_xchacha20poly1305_ietf_decrypt(ret_seed, NULL, NULL, box->sealed, sizeof(box->sealed), bound,
							bound_text(box, bound), box->nonce, key))
		return IOV_OK;
	return iov_keybox_wrong_passphrase(ctx, box);
}

int iov_keybox_open(struct iov_ctx *ctx, const struct iov_keybox *box, const char *passphrase, struct iov_signer *ret)
{
	uint8_t key[KEY_SIZE], seed[KEY_SIZE] = {0};
	int rc = stretch(ctx, box, passphrase, key);
	if (!rc)
		rc = unseal(ctx, box, key, seed);
	if (!rc)
		rc = iov_signer_from_seed(ctx, box->verifier.name, seed, ret);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(seed, sizeof(seed));
	if (rc || !memcmp(ret->verifier.key, box->verifier.key, KEY_SIZE))
		return rc;
	iov_signer_release(ret);
	return iov_error(ctx, IOV_E_INPUT, "key '%s' holds the seed of another key; restore it from a copy",
			 box->verifier.name);
}

/* ---- text ---- */

bool iov_is_keybox(const char *text)
{
	return !strncmp(text, PREFIX, strlen(PREFIX));
}

static int check_costs(struct iov_ctx *ctx, const struct iov_keybox *box)
{
	if (box->passes >= 1 && box->passes <= IOV_KEYBOX_PASSES_MAX && box->memory >= IOV_KEYBOX_MEMORY_MIN &&
	    box->memory <= IOV_KEYBOX_MEMORY_MAX)
		return IOV_OK;
	return iov_error(ctx, IOV_E_INPUT,
			 "encrypted key '%s' asks for %u passes over %u KiB; at most %u over %u are taken",
			 box->verifier.name, box->passes, box->memory, IOV_KEYBOX_PASSES_MAX, IOV_KEYBOX_MEMORY_MAX);
}

static int read_parts(struct iov_ctx *ctx, const struct iov_keytext *parts, struct iov_keybox *ret)
{
	const uint8_t *blob = parts->blob;
	if (blob[AT_VERSION] != BOX_VERSION)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "encrypted key '%s' has version %u and this iovpkg reads %u; use a newer iovpkg",
				 parts->name, blob[AT_VERSION], BOX_VERSION);
	int rc = iov_verifier_make(ctx, parts->name, blob + AT_PUBLIC, &ret->verifier);
	if (rc)
		return rc;
	if (!iov_keytext_fits(parts, &ret->verifier))
		return iov_error(ctx, IOV_E_INPUT,
				 "encrypted key '%s' is damaged: its hash should be %08x; restore it from a copy",
				 parts->name, ret->verifier.hash);
	ret->passes = get_number(blob + AT_PASSES);
	ret->memory = get_number(blob + AT_MEMORY);
	memcpy(ret->salt, blob + AT_SALT, sizeof(ret->salt));
	memcpy(ret->nonce, blob + AT_NONCE, sizeof(ret->nonce));
	memcpy(ret->sealed, blob + AT_SEALED, sizeof(ret->sealed));
	return check_costs(ctx, ret);
}

int iov_keybox_parse(struct iov_ctx *ctx, const char *text, struct iov_keybox *ret)
{
	struct iov_keytext parts = {.name = ""};
	struct iov_keybox box = {.passes = 0};
	if (!iov_is_keybox(text) || !iov_keytext_split(text + strlen(PREFIX), BLOB_SIZE, &parts))
		return iov_error(ctx, IOV_E_INPUT,
				 "this is no encrypted key; it has the form " PREFIX "NAME+HASH+BASE64");
	int rc = read_parts(ctx, &parts, &box);
	if (!rc)
		*ret = box;
	return rc;
}

char *iov_keybox_text(const struct iov_keybox *box)
{
	uint8_t blob[BLOB_SIZE];
	write_blob(box, blob);
	return iov_keytext_join(PREFIX, &box->verifier, blob, sizeof(blob));
}
