/* Why the signatures of a root or head are not enough: whose they are, and how many of how many. */
#include <string.h>

#include "registry/root.h"

static bool same_signer(const struct iov_note_signature *a, const struct iov_note_signature *b)
{
	return a->hash == b->hash && !strcmp(a->name, b->name);
}

static bool repeats_a_signer(const struct iov_note_text *note)
{
	for (size_t i = 0; i < note->n_signatures; i++)
		for (size_t j = 0; j < i; j++)
			if (same_signer(&note->signatures[i], &note->signatures[j]))
				return true;
	return false;
}

int iov_role_check(struct iov_ctx *ctx, const struct iov_role *role, const struct iov_note_text *note, const char *what,
		   const char *whose)
{
	size_t good = iov_note_count_signers(note, role->keys, role->n_keys);
	if (good >= role->threshold)
		return IOV_OK;
	if (!good)
		return iov_error(ctx, IOV_E_UNTRUSTED, "%s is not signed by a key that %s (arbitrary software attack)",
				 what, whose);
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "%s is signed by %zu of the %zu different keys that %s (below threshold%s)", what, good,
			 role->threshold, whose,
			 repeats_a_signer(note) ? "; one key counts once, however often it signs" : "");
}
