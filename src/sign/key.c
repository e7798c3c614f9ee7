#include "sign/key.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sign/keytext.h"
#include "util/cleanup.h"

#define KEY_SIZE 32
#define PAIR_SIZE 64 /* libsodium signs with the seed and the public key behind it */
#define BLOB_SIZE (1 + KEY_SIZE)
#define PRIVATE_PREFIX "PRIVATE+KEY+"

bool iov_is_key_name(const char *name)
{
	size_t len = strlen(name);
	if (!len || len > IOV_KEY_NAME_MAX)
		return false;
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '+')
			return false;
	return true;
}

static uint32_t key_hash(const char *name, const uint8_t key[KEY_SIZE])
{
	uint8_t text[IOV_KEY_NAME_MAX + 2 + KEY_SIZE];
	uint8_t digest[IOV_DIGEST_SIZE];
	size_t len = strlen(name);
	memcpy(text, name, len);
	text[len] = '\n';
	text[len + 1] = IOV_KEY_ED25519;
	memcpy(text + len + 2, key, KEY_SIZE);
	iov_sha256(text, len + 2 + KEY_SIZE, digest);
	return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}

int iov_verifier_make(struct iov_ctx *ctx, const char *name, const uint8_t key[32], struct iov_verifier *ret)
{
	if (!iov_is_key_name(name))
		return iov_error(
			ctx, IOV_E_INPUT,
			"'%.140s' is no key name; take 1 to %d printable ASCII characters without space and '+'", name,
			IOV_KEY_NAME_MAX);
	struct iov_verifier made = {.hash = key_hash(name, key)};
	memcpy(made.name, name, strlen(name) + 1);
	memcpy(made.key, key, KEY_SIZE);
	*ret = made;
	return IOV_OK;
}

int iov_verifier_parse(struct iov_ctx *ctx, const char *text, struct iov_verifier *ret)
{
	struct iov_keytext parts;
	if (!iov_keytext_split(text, BLOB_SIZE, &parts))
		return iov_error(
			ctx, IOV_E_INPUT,
			"'%.200s' is no verifier key; 'iovpkg key show' prints one in the form NAME+HASH+BASE64", text);
	struct iov_verifier parsed = {.hash = 0};
	int rc = iov_verifier_make(ctx, parts.name, parts.blob + 1, &parsed);
	if (rc)
		return rc;
	if (!iov_keytext_fits(&parts, &parsed))
		return iov_error(ctx, IOV_E_INPUT,
				 "verifier key '%.200s' is damaged: its hash should be %08x; copy it again", text,
				 parsed.hash);
	*ret = parsed;
	return IOV_OK;
}

char *iov_verifier_text(const struct iov_verifier *verifier)
{
	uint8_t blob[BLOB_SIZE] = {IOV_KEY_ED25519};
	memcpy(blob + 1, verifier->key, KEY_SIZE);
	return iov_keytext_join("", verifier, blob, sizeof(blob));
}

int iov_signer_from_seed(struct iov_ctx *ctx, const char *name, const uint8_t seed[KEY_SIZE], struct iov_signer *ret)
{
	uint8_t public[KEY_SIZE], pair[PAIR_SIZE];
	crypto_sign_ed25519_seed_keypair(public, pair, seed);
	sodium_memzero(pair, sizeof(pair));
	struct iov_verifier verifier;
	int rc = iov_verifier_make(ctx, name, public, &verifier);
	if (rc)
		return rc;
	ret->verifier = verifier;
	memcpy(ret->seed, seed, KEY_SIZE);
	return IOV_OK;
}

int iov_signer_generate(struct iov_ctx *ctx, const char *name, struct iov_signer *ret)
{
	uint8_t seed[KEY_SIZE];
	if (sodium_init() < 0) /* for random bytes; all else that is used here needs nothing prepared */
		return iov_error(ctx, IOV_E_INTERNAL, "no random bytes for key '%s': this system has none to give",
				 name);
	randombytes_buf(seed, sizeof(seed));
	int rc = iov_signer_from_seed(ctx, name, seed, ret);
	sodium_memzero(seed, sizeof(seed));
	return rc;
}

/* The text itself stays out of every error: it is a secret. */
int iov_signer_parse(struct iov_ctx *ctx, const char *text, struct iov_signer *ret)
{
	iov_auto(iov_keytext_release) struct iov_keytext parts = {.name = ""};
	iov_auto(iov_signer_release) struct iov_signer parsed = {.seed = {0}};
	size_t skip = strlen(PRIVATE_PREFIX);
	if (strncmp(text, PRIVATE_PREFIX, skip) != 0 || !iov_keytext_split(text + skip, BLOB_SIZE, &parts))
		return iov_error(ctx, IOV_E_INPUT,
				 "this is no signer key; it has the form " PRIVATE_PREFIX "NAME+HASH+BASE64");
	int rc = iov_signer_from_seed(ctx, parts.name, parts.blob + 1, &parsed);
	if (rc)
		return rc;
	if (!iov_keytext_fits(&parts, &parsed.verifier))
		return iov_error(ctx, IOV_E_INPUT,
				 "signer key '%s' is damaged: its hash should be %08x; restore it from a copy",
				 parts.name, parsed.verifier.hash);
	*ret = parsed;
	return IOV_OK;
}

char *iov_signer_text(const struct iov_signer *signer)
{
	uint8_t blob[BLOB_SIZE] = {IOV_KEY_ED25519};
	memcpy(blob + 1, signer->seed, KEY_SIZE);
	char *text = iov_keytext_join(PRIVATE_PREFIX, &signer->verifier, blob, sizeof(blob));
	sodium_memzero(blob, sizeof(blob));
	return text;
}

void iov_signer_release(struct iov_signer *signer)
{
	sodium_memzero(signer->seed, sizeof(signer->seed));
}

void iov_sign(const struct iov_signer *signer, const void *data, size_t len, uint8_t ret[64])
{
	uint8_t public[KEY_SIZE], pair[PAIR_SIZE];
	crypto_sign_ed25519_seed_keypair(public, pair, signer->seed);
	crypto_sign_ed25519_detached(ret, NULL, data, len, pair);
	sodium_memzero(pair, sizeof(pair));
}

bool iov_signature_is_good(const struct iov_verifier *verifier, const void *data, size_t len,
			   const uint8_t signature[64])
{
	return !crypto_sign_ed25519_verify_detached(signature, data, len, verifier->key);
}
