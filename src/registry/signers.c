/* Why signatures are not enough: whose they are, and how many of how many. */
#include <string.h>

#include "registry/index.h"
#include "util/cleanup.h"

/* ---- of roots and heads ---- */

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

/* ---- of releases ---- */

/* A key that may publish something, only not this. */
static const struct iov_verifier *other_publisher(const struct iov_root *root, const json_t *lines, const char *text,
						  size_t len)
{
	for (size_t i = 0; i < root->n_publishers; i++) {
		const struct iov_role *role = &root->publishers[i].role;
		for (size_t j = 0; j < role->n_keys; j++)
			if (iov_key_signed_lines(&role->keys[j], lines, text, len))
				return &role->keys[j];
	}
	return NULL;
}

/* Ed25519 signs the same text alike each time. */
static bool repeats_a_line(const json_t *lines)
{
	for (size_t i = 0; i < json_array_size(lines); i++)
		for (size_t j = 0; j < i; j++)
			if (json_equal(json_array_get(lines, i), json_array_get(lines, j)))
				return true;
	return false;
}

int iov_release_refuse_signers(struct iov_ctx *ctx, const char *registry, const struct iov_root *root,
			       const struct iov_role *role, const struct iov_release *release, const char *text)
{
	const char *name = release->manifest->name, *version = release->manifest->version.text;
	const json_t *lines = json_object_get(release->json, "signatures");
	size_t len = strlen(text), good = 0;
	for (size_t i = 0; role && i < role->n_keys; i++)
		good += iov_key_signed_lines(&role->keys[i], lines, text, len);
	if (good)
		return iov_error(
			ctx, IOV_E_UNTRUSTED,
			"'%s' %s in registry '%s' is signed by %zu of the %zu different publishers that root %llu "
			"asks for (below threshold%s); do not use it, ask the registry's host",
			name, version, registry, good, role->threshold, (unsigned long long)root->version,
			repeats_a_line(lines) ? "; one key counts once, however often it signs" : "");
	const struct iov_verifier *other = other_publisher(root, lines, text, len);
	if (other)
		return iov_error(
			ctx, IOV_E_UNTRUSTED,
			"'%s' %s in registry '%s' is signed by '%s', whom root %llu allows for other names only "
			"(wrong publisher attack); do not use it, ask the registry's host",
			name, version, registry, other->name, (unsigned long long)root->version);
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "'%s' %s in registry '%s' is not signed by a publisher whom root %llu allows for that name "
			 "(arbitrary software attack); do not use it, ask the registry's host",
			 name, version, registry, (unsigned long long)root->version);
}
