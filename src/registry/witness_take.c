/* Cosignatures on the registry's host, and on its clients. */
#include "registry/witness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registry/admin.h"
#include "registry/host.h"
#include "sign/cosign.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* A checkpoint taken apart: its text, and its lines as they came. */
struct lines {
	struct iov_note_text note;
	json_t *lines;
};

static void lines_release(struct lines *lines)
{
	iov_note_text_release(&lines->note);
	json_decref(lines->lines);
}

static int take_apart(struct iov_ctx *ctx, const char *what, const struct iov_buf *data, struct lines *ret)
{
	int rc = iov_note_parse(ctx, what, data->data ? data->data : "", data->len, &ret->note);
	if (!rc)
		ret->lines = iov_note_lines(data->data, data->len, ret->note.len);
	return rc || ret->lines ? rc : iov_oom(ctx);
}

/* ---- the host ---- */

static bool same_name(const char *a, const char *b)
{
	size_t a_len, b_len;
	const char *a_name = iov_line_name(a, &a_len), *b_name = iov_line_name(b, &b_len);
	return a_len == b_len && !memcmp(a_name, b_name, a_len);
}

/* The first line is the registry's own; the others are witnesses', one each. */
static int merge(struct iov_ctx *ctx, json_t *into, const json_t *from)
{
	size_t i, j;
	json_t *line, *old;
	json_array_foreach((json_t *)from, i, line) {
		bool there = same_name(json_string_value(line), json_string_value(json_array_get(into, 0)));
		json_array_foreach(into, j, old) {
			if (j && same_name(json_string_value(line), json_string_value(old))) {
				json_array_set(into, j, line);
				there = true;
			}
		}
		if (!there && json_array_append(into, line))
			return iov_oom(ctx);
	}
	if (json_array_size(into) > IOV_WITNESSES_MAX + 1)
		return iov_error(ctx, IOV_E_INPUT, "a checkpoint has at most %d cosignatures", IOV_WITNESSES_MAX);
	return IOV_OK;
}

static int write_checkpoint(struct iov_ctx *ctx, const struct iov_host *host, const struct lines *lines,
			    char *ret_commit)
{
	size_t i;
	json_t *line;
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_buf_printf(&text, "%s\n", lines->note.text);
	json_array_foreach(lines->lines, i, line) {
		iov_buf_printf(&text, "%s\n", json_string_value(line));
	}
	if (iov_buf_failed(&text))
		return iov_oom(ctx);
	const struct iov_git_file file = {.path = IOV_CHECKPOINT_PATH, .data = text.data, .len = text.len};
	return iov_git_commit(ctx, host->path, IOV_MAIN_REF, host->commit, &file, 1, "cosign the checkpoint",
			      time(NULL), ret_commit);
}

static int take_in(struct iov_ctx *ctx, const struct iov_host *host, const char *file, json_t **ret)
{
	char commit[IOV_COMMIT_SIZE];
	iov_auto(iov_buf_release) struct iov_buf ours = {0};
	iov_auto(iov_buf_release) struct iov_buf theirs = {0};
	iov_auto(lines_release) struct lines now = {.lines = NULL};
	iov_auto(lines_release) struct lines cosigned = {.lines = NULL};
	struct iov_source source = iov_host_source(host);
	int err = iov_fs_read(file, IOV_HEAD_MAX, &theirs);
	if (err)
		return iov_error_errno(ctx, err, "cannot read '%s'", file);
	int rc = iov_source_read(ctx, &source, IOV_CHECKPOINT_PATH, IOV_HEAD_MAX, &ours);
	if (!rc)
		rc = take_apart(ctx, IOV_CHECKPOINT_PATH, &ours, &now);
	if (!rc)
		rc = take_apart(ctx, file, &theirs, &cosigned);
	if (!rc && strcmp(now.note.text, cosigned.note.text) != 0)
		return iov_error(ctx, IOV_E_CONFLICT,
				 "'%s' cosigns another checkpoint than the one of now, which has %llu entries; let the "
				 "witness sign again",
				 file, (unsigned long long)host->head.log_size);
	if (!rc)
		rc = merge(ctx, now.lines, cosigned.lines);
	if (!rc)
		rc = write_checkpoint(ctx, host, &now, commit);
	if (rc)
		return rc;
	*ret = json_pack("{s:s, s:I, s:s, s:I}", "commit", commit, "cosignatures",
			 (json_int_t)json_array_size(now.lines) - 1, "origin", host->root->origin, "size",
			 (json_int_t)host->head.log_size);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_witness_take_in(struct iov_ctx *ctx, const char *path, const char *file, json_t **ret)
{
	bool local;
	iov_auto(iov_free_ptr) char *place = NULL;
	iov_auto(iov_host_release) struct iov_host host = {.path = NULL};
	int rc = iov_registry_locate(ctx, path, &local, &place);
	if (!rc && !local)
		return iov_error(ctx, IOV_E_USAGE, "'%s' is not on this host; take it in where the repository is",
				 path);
	if (!rc)
		rc = iov_host_open(ctx, place, &host);
	return rc ? rc : take_in(ctx, &host, file, ret);
}

/* ---- the client ---- */

int iov_witness_check_keys(struct iov_ctx *ctx, const json_t *keys, size_t needed)
{
	struct iov_verifier key;
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < json_array_size(keys); i++)
		rc = iov_witness_parse(ctx, json_string_value(json_array_get(keys, i)), &key);
	if (!rc && (json_array_size(keys) > IOV_WITNESSES_MAX || needed > json_array_size(keys)))
		return iov_error(
			ctx, IOV_E_USAGE,
			"%zu cosignatures are asked for, of %zu witnesses; name each with --witness KEY, at most %d",
			needed, json_array_size(keys), IOV_WITNESSES_MAX);
	return rc;
}

int iov_witness_check(struct iov_ctx *ctx, const char *registry, const json_t *keys, size_t needed,
		      const struct iov_buf *checkpoint)
{
	size_t good = 0;
	iov_auto(lines_release) struct lines lines = {.lines = NULL};
	if (!needed)
		return IOV_OK;
	int rc = take_apart(ctx, IOV_CHECKPOINT_PATH, checkpoint, &lines);
	for (size_t i = 0; !rc && i < json_array_size(keys); i++) {
		struct iov_verifier key;
		rc = iov_witness_parse(ctx, json_string_value(json_array_get(keys, i)), &key);
		good += !rc && iov_cosigned_by(&key, lines.lines, lines.note.text);
	}
	if (rc || good >= needed)
		return rc;
	return iov_error(
		ctx, IOV_E_UNTRUSTED,
		"the checkpoint of registry '%s' has %zu of the %zu cosignatures of witnesses that this host asks "
		"for: it may be shown to this host alone (fork), or the witnesses have not come by yet; the last "
		"good state is kept, update again later",
		registry, good, needed);
}
