/*
 * What a thief of keys or a dishonest host of a registry can do, for tests: any part of a registry made anew, so that
 * all of it fits together again. It works on the tree of branch `main`, checked out into a folder (tests/lib/forge.sh).
 *
 *   forge head TREE [-k KEY]... [MEMBER=VALUE]...   head.note and checkpoint, of the manifest as it stands
 *   forge sign NOTE [-k KEY]... [MEMBER=VALUE]...   another note whose text is JSON: a root
 *   forge lines [-k KEY]... <TEXT                   signature lines over a text, as an index line has them
 *   forge keys [-k KEY]...                         the public keys, as a root has them
 *   forge list TREE NAME...                         index files as they stand, or are no more, in shard and
 * manifest/top forge place NAME                                where a name's shard and index file are forge leaves
 * TREE                               the entries of the log, a line each forge log TREE <LEAVES a log of these entries:
 * its tiles, and its size and root in head.note
 *
 * A KEY is the path of a key file, or NAME=PATH: that key under another name. A VALUE is a number or a text; +N and -N
 * count from the number that is there, or are seconds from now where a time is; nothing takes the member away.
 */
#include "forge.h"

#include <stdio.h>
#include <string.h>

#include "sign/keyfile.h"
#include "util/cleanup.h"

int forge_word(struct forge *forge, const char *what, const char **ret)
{
	if (!forge->n_words)
		return iov_error(forge->ctx, IOV_E_USAGE, "no %s is named", what);
	*ret = *forge->words++;
	forge->n_words--;
	return IOV_OK;
}

static const struct {
	const char *name;
	int (*run)(struct forge *forge);
} commands[] = {
	{"head", forge_head}, {"keys", forge_keys},   {"sign", forge_sign},	{"lines", forge_lines},
	{"list", forge_list}, {"place", forge_place}, {"leaves", forge_leaves}, {"log", forge_log},
};

static int add_key(struct forge *forge, const char *word)
{
	struct iov_signer *signer = &forge->keys[forge->n_keys];
	const char *equals = strchr(word, '=');
	if (forge->n_keys == FORGE_KEYS_MAX)
		return iov_error(forge->ctx, IOV_E_USAGE, "more than %d keys", FORGE_KEYS_MAX);
	int rc = iov_signer_load(forge->ctx, equals ? equals + 1 : word, signer);
	if (rc)
		return rc;
	forge->n_keys++;
	if (!equals)
		return IOV_OK;
	iov_auto(iov_free_ptr) char *name = strndup(word, (size_t)(equals - word));
	return iov_verifier_make(forge->ctx, name, signer->verifier.key, &signer->verifier);
}

static int parse(struct forge *forge, int argc, char **argv)
{
	int rc = IOV_OK;
	forge->words = argv;
	for (int i = 0; !rc && i < argc; i++) {
		if (strcmp(argv[i], "-k") != 0)
			argv[forge->n_words++] = argv[i];
		else if (i + 1 < argc)
			rc = add_key(forge, argv[++i]);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct forge forge = {.ctx = NULL};
	if (argc < 2 || iov_ctx_new(NULL, &forge.ctx))
		return IOV_E_USAGE;
	int rc = IOV_E_USAGE;
	for (size_t i = 0; i < IOV_COUNT(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			rc = parse(&forge, argc - 2, argv + 2) ?: commands[i].run(&forge);
	if (rc)
		fprintf(stderr, "forge %s: %s\n", argv[1], iov_error_text(forge.ctx));
	for (size_t i = 0; i < forge.n_keys; i++)
		iov_signer_release(&forge.keys[i]);
	iov_ctx_free(forge.ctx);
	return rc;
}
