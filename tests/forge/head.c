#include "forge.h"

#include "registry/head.h"
#include "registry/listing.h"
#include "sign/base64.h"
#include "util/cleanup.h"

static int set_manifest(struct iov_ctx *ctx, const char *tree, json_t *head)
{
	char sha256[IOV_HEX_SIZE];
	iov_auto(iov_buf_release) struct iov_buf top = {0};
	int rc = forge_read(ctx, tree, IOV_TOP_PATH, &top);
	if (rc)
		return rc;
	iov_sha256_hex(top.data, top.len, sha256);
	return json_object_set_new(head, "manifest", json_string(sha256)) ||
			       json_object_set_new(head, "manifest_size", json_integer((json_int_t)top.len))
		       ? iov_oom(ctx)
		       : IOV_OK;
}

static int write_checkpoint(struct forge *forge, const char *tree, const json_t *head)
{
	uint8_t root[IOV_DIGEST_SIZE] = {0};
	char base64[IOV_BASE64_SIZE(IOV_DIGEST_SIZE)];
	const char *origin = json_string_value(json_object_get(head, "origin"));
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_unhex(json_string_value(json_object_get(head, "log_root")), root, sizeof(root));
	iov_base64(root, sizeof(root), base64);
	iov_buf_printf(&text, "%s\n%lld\n%s\n", origin,
		       (long long)json_integer_value(json_object_get(head, "log_size")), base64);
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < forge->n_keys; i++) {
		struct iov_verifier *verifier = &forge->keys[i].verifier;
		rc = iov_verifier_make(forge->ctx, origin, verifier->key, verifier);
	}
	return rc ? rc : forge_write_note(forge, tree, IOV_CHECKPOINT_PATH, text.data);
}

int forge_head(struct forge *forge)
{
	const char *tree = "";
	iov_auto(iov_json_release) json_t *head = NULL;
	int rc = forge_word(forge, "tree", &tree);
	if (!rc)
		rc = forge_read_document(forge->ctx, tree, IOV_HEAD_PATH, &head);
	if (!rc)
		rc = set_manifest(forge->ctx, tree, head);
	if (!rc)
		rc = forge_set_members(forge, head);
	if (!rc)
		rc = forge_write_document(forge, tree, IOV_HEAD_PATH, head);
	return rc ? rc : write_checkpoint(forge, tree, head);
}
