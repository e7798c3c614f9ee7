/* Three lines, origin, size and root, and then lines that this iovpkg does not know. */
#include <string.h>

#include "registry/checkpoint.h"
#include "sign/base64.h"
#include "util/cleanup.h"

static int malformed(struct iov_ctx *ctx, const char *what)
{
	return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' is no checkpoint: it has not the lines origin, size and root",
			 what);
}

/* The next line of the text, without its end; NULL: there is none. */
static const char *next_line(const char **text, size_t *ret_len)
{
	const char *line = *text, *end = strchr(line, '\n');
	if (!end)
		return NULL;
	*ret_len = (size_t)(end - line);
	*text = end + 1;
	return line;
}

static bool parse_size(const char *line, size_t len, uint64_t *ret)
{
	uint64_t size = 0;
	if (!len || len > 18 || (line[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		size = size * 10 + (uint64_t)(line[i] - '0');
	}
	*ret = size;
	return true;
}

static int parse_text(struct iov_ctx *ctx, const char *what, const char *text, const char *origin,
		      struct iov_checkpoint *ret)
{
	size_t name_len = 0, size_len = 0, root_len = 0, n_root = 0;
	const char *name = next_line(&text, &name_len);
	const char *size = name ? next_line(&text, &size_len) : NULL;
	const char *root = size ? next_line(&text, &root_len) : NULL;
	if (!root || !parse_size(size, size_len, &ret->size) ||
	    !iov_unbase64(root, root_len, sizeof(ret->root.bytes), ret->root.bytes, &n_root) ||
	    n_root != sizeof(ret->root.bytes))
		return malformed(ctx, what);
	if (name_len != strlen(origin) || memcmp(name, origin, name_len) != 0)
		return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' is a checkpoint of '%.*s', and this registry is '%s'",
				 what, name_len < 140 ? (int)name_len : 140, name, origin);
	return IOV_OK;
}

int iov_checkpoint_parse(struct iov_ctx *ctx, const char *what, const char *data, size_t len,
			 const struct iov_root *root, struct iov_checkpoint *ret)
{
	struct iov_checkpoint checkpoint = {.size = 0};
	iov_auto(iov_note_text_release) struct iov_note_text note = {0};
	iov_auto(iov_free_ptr) struct iov_verifier *keys = calloc(root->registry.n_keys, sizeof(*keys));
	if (!keys)
		return iov_oom(ctx);
	int rc = iov_note_parse(ctx, what, data, len, &note);
	for (size_t i = 0; !rc && i < root->registry.n_keys; i++)
		rc = iov_log_verifier(ctx, root, &root->registry.keys[i], &keys[i]);
	if (!rc)
		rc = parse_text(ctx, what, note.text, root->origin, &checkpoint);
	if (rc)
		return rc;
	if (iov_note_count_signers(&note, keys, root->registry.n_keys) < root->registry.threshold)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "checkpoint '%s' is not signed by a key that root %llu names for the registry", what,
				 (unsigned long long)root->version);
	*ret = checkpoint;
	return IOV_OK;
}
