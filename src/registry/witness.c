#include "registry/witness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registry/log.h"
#include "registry/subject.h"
#include "sign/cosign.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SCHEMA 1
#define STATE_MAX 4096 /* bytes */

/* ---- what was signed before ---- */

static int read_signed(struct iov_ctx *ctx, const char *path, uint64_t *ret_size, struct iov_hash *ret_root)
{
	const char *root = "";
	iov_auto(iov_json_release) json_t *json = NULL;
	*ret_size = 0;
	if (!iov_fs_exists(path))
		return IOV_OK;
	int rc = iov_json_read(ctx, path, STATE_MAX, &json);
	if (!rc)
		rc = iov_json_get_uint(ctx, path, json, "size", ret_size);
	if (!rc)
		rc = iov_json_get_string(ctx, path, json, "root", &root);
	if (!rc && !iov_unhex(root, ret_root->bytes, sizeof(ret_root->bytes)))
		rc = iov_error(ctx, IOV_E_UNTRUSTED, "'%s': 'root' is no SHA-256", path);
	return rc;
}

static int write_signed(struct iov_ctx *ctx, const char *path, const struct iov_head *head)
{
	char root[IOV_HEX_SIZE];
	iov_hex(head->log_root.bytes, sizeof(head->log_root.bytes), root);
	iov_auto(iov_json_release) json_t *json =
		json_pack("{s:s, s:i, s:I}", "root", root, "schema", SCHEMA, "size", (json_int_t)head->log_size);
	iov_auto(iov_free_ptr) char *text = json ? iov_json_text(json) : NULL;
	if (!text)
		return iov_oom(ctx);
	int err = iov_fs_replace(path, text, strlen(text), 0644);
	return err ? iov_error_errno(ctx, err, "cannot write '%s'", path) : IOV_OK;
}

static int forked(struct iov_ctx *ctx, const struct iov_subject *subject, uint64_t size)
{
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "the log of registry '%s' with %llu entries does not go on from the %llu entries that this "
			 "witness has signed (fork); nothing is signed, tell those who rely on it",
			 subject->name, (unsigned long long)subject->head->log_size, (unsigned long long)size);
}

static int check_signed(struct iov_ctx *ctx, const struct iov_subject *subject, const char *path)
{
	uint64_t size;
	struct iov_hash root;
	struct iov_proof proof = {.count = 0};
	const struct iov_head *head = subject->head;
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, &subject->source, head->log_size);
	int rc = read_signed(ctx, path, &size, &root);
	if (rc || !size)
		return rc;
	if (size > head->log_size)
		return forked(ctx, subject, size);
	rc = iov_log_prove_consistent(ctx, &log, size, &proof);
	if (!rc && !iov_merkle_consistent(size, head->log_size, proof.hashes, proof.count, &root, &head->log_root))
		return forked(ctx, subject, size);
	return rc;
}

/* ---- signing ---- */

static int cosign(struct iov_ctx *ctx, const struct iov_subject *subject, const struct iov_signer *witness,
		  struct iov_buf *ret)
{
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_note_text_release) struct iov_note_text parts = {0};
	iov_auto(iov_free_ptr) char *line = NULL;
	int rc = iov_source_read(ctx, &subject->source, IOV_CHECKPOINT_PATH, IOV_HEAD_MAX, &note);
	if (!rc)
		rc = iov_checkpoint_check(ctx, subject->name, note.data, note.len, subject->root, subject->head);
	if (!rc)
		rc = iov_note_parse(ctx, IOV_CHECKPOINT_PATH, note.data, note.len, &parts);
	if (!rc)
		rc = iov_cosign(ctx, witness, parts.text, (uint64_t)time(NULL), &line);
	if (rc)
		return rc;
	iov_buf_printf(ret, "%s%s\n", note.data, line);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

static json_t *describe(const struct iov_subject *subject, const char *key, const char *output)
{
	char root[IOV_HEX_SIZE];
	iov_hex(subject->head->log_root.bytes, sizeof(subject->head->log_root.bytes), root);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "origin", subject->root->origin, "output", output,
			 "registry", subject->name, "root", root, "size", (json_int_t)subject->head->log_size,
			 "witness", key);
}

static int sign_under_lock(struct iov_ctx *ctx, const struct iov_subject *subject, const struct iov_signer *witness,
			   const char *output)
{
	iov_auto(iov_free_ptr) char *path = NULL;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_close_fd) int fd = -1;
	if (asprintf(&path, "%s/witnessed.json", subject->trust->folder) < 0) {
		path = NULL;
		return iov_oom(ctx);
	}
	int rc = iov_trust_lock(ctx, subject->trust, &fd);
	if (!rc)
		rc = check_signed(ctx, subject, path);
	if (!rc)
		rc = cosign(ctx, subject, witness, &note);
	if (!rc)
		rc = write_signed(ctx, path, subject->head);
	if (rc)
		return rc;
	int err = iov_fs_replace(output, note.data, note.len, 0644);
	return err ? iov_error_errno(ctx, err, "cannot write '%s'", output) : IOV_OK;
}

int iov_witness_sign(struct iov_ctx *ctx, const char *name, const struct iov_signer *witness, const char *output,
		     json_t **ret)
{
	iov_auto(iov_subject_release) struct iov_subject subject = {.name = NULL};
	iov_auto(iov_free_ptr) char *key = iov_witness_text(&witness->verifier);
	if (!key)
		return iov_oom(ctx);
	if (!iov_is_name(name))
		return iov_error(ctx, IOV_E_USAGE,
				 "'%s' names no registry of this host; a witness remembers what it has seen, so add it "
				 "first with 'iovpkg registry add'",
				 name);
	int rc = iov_subject_open(ctx, name, &subject);
	if (!rc)
		rc = sign_under_lock(ctx, &subject, witness, output);
	if (rc)
		return rc;
	*ret = describe(&subject, key, output);
	return *ret ? IOV_OK : iov_oom(ctx);
}
