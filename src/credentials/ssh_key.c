#include "credentials/ssh_key.h"

#include <sodium.h>
#include <string.h>

#include "credentials/secret.h"
#include "util/cleanup.h"

#define KEY_MAX (16u << 10) /* bytes; RSA of 16384 bits has 13 KB */

static const char openssh_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
static const char openssh_magic[] = "openssh-key-v1"; /* with its NUL; PROTOCOL.key of OpenSSH */

enum state { NO_KEY, ENCRYPTED, PLAIN };

/* The name of the cipher comes first: a length in four bytes, and "none" where there is no passphrase. */
static enum state openssh_state(const char *text)
{
	static const unsigned char none[] = {0, 0, 0, 4, 'n', 'o', 'n', 'e'};
	unsigned char start[sizeof(openssh_magic) + sizeof(none) + 1];
	char base64[33] = ""; /* of the first 24 bytes */
	size_t len = 0, size = 0;
	for (; len < 32 && *text; text++)
		if (*text != '\n' && *text != '\r')
			base64[len++] = *text;
	if (sodium_base642bin(start, sizeof(start), base64, len, NULL, &size, NULL, sodium_base64_VARIANT_ORIGINAL) ||
	    size < sizeof(openssh_magic) + sizeof(none) || memcmp(start, openssh_magic, sizeof(openssh_magic)) != 0)
		return NO_KEY;
	return memcmp(start + sizeof(openssh_magic), none, sizeof(none)) ? ENCRYPTED : PLAIN;
}

static enum state state_of(const char *text)
{
	const char *openssh = strstr(text, openssh_begin);
	if (openssh)
		return openssh_state(openssh + strlen(openssh_begin));
	if (strstr(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || strstr(text, "Proc-Type: 4,ENCRYPTED"))
		return ENCRYPTED;
	return strstr(text, "PRIVATE KEY-----") ? PLAIN : NO_KEY;
}

int iov_ssh_key_check(struct iov_ctx *ctx, const char *path)
{
	iov_auto(iov_secret_wipe) struct iov_buf text = {0};
	int rc = iov_secret_read_file(ctx, "ssh key", path, KEY_MAX, &text);
	if (rc)
		return rc == IOV_E_NOT_FOUND ? iov_error(ctx, IOV_E_INPUT, "there is no ssh key '%s'", path) : rc;
	enum state state = state_of(text.data);
	if (state == NO_KEY)
		return iov_error(ctx, IOV_E_INPUT, "'%s' is no private key for ssh", path);
	if (state == ENCRYPTED)
		return iov_error(ctx, IOV_E_INPUT,
				 "the ssh key '%s' has a passphrase, and nobody can be asked for it; make one without "
				 "for this registry alone (ssh-keygen -t ed25519 -N '' -f FILE) and let the server "
				 "take it for that",
				 path);
	return IOV_OK;
}
