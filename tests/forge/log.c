#include "forge.h"

#include <stdio.h>

#include "registry/head.h"
#include "registry/log.h"
#include "util/cleanup.h"
#include "util/fs.h"

int forge_leaves(struct forge *forge)
{
	const char *tree = "";
	iov_auto(iov_json_release) json_t *head = NULL;
	iov_auto(iov_log_release) struct iov_log log = {0};
	int rc = forge_word(forge, "tree", &tree);
	if (!rc)
		rc = forge_read_document(forge->ctx, tree, IOV_HEAD_PATH, &head);
	const struct iov_source source = forge_source(tree);
	iov_log_init(&log, &source, (uint64_t)json_integer_value(json_object_get(head, "log_size")));
	for (uint64_t i = 0; !rc && i < log.size; i++) {
		iov_auto(iov_buf_release) struct iov_buf entry = {0};
		rc = iov_log_entry(forge->ctx, &log, i, &entry);
		if (!rc)
			puts(entry.data);
	}
	return rc;
}

static int append(struct iov_ctx *ctx, const struct iov_source *source, uint64_t size, const char *leaf, size_t len)
{
	iov_auto(iov_log_release) struct iov_log log;
	iov_auto(iov_changes_release) struct iov_changes changes = {0};
	iov_log_init(&log, source, size);
	int rc = iov_log_append(ctx, &log, leaf, len, &changes);
	return rc ? rc : forge_write_changes(ctx, source->repo, &changes);
}

static int note_log(struct forge *forge, const struct iov_source *source, uint64_t size)
{
	char hex[IOV_HEX_SIZE];
	struct iov_hash root;
	iov_auto(iov_json_release) json_t *head = NULL;
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, source, size);
	int rc = iov_log_root(forge->ctx, &log, &root);
	if (!rc)
		rc = forge_read_document(forge->ctx, source->repo, IOV_HEAD_PATH, &head);
	if (rc)
		return rc;
	iov_hex(root.bytes, sizeof(root.bytes), hex);
	json_object_set_new(head, "log_root", json_string(hex));
	json_object_set_new(head, "log_size", json_integer((json_int_t)size));
	return forge_write_document(forge, source->repo, IOV_HEAD_PATH, head);
}

int forge_log(struct forge *forge)
{
	const char *tree = "";
	char *line = NULL;
	size_t room = 0;
	uint64_t size = 0;
	int rc = forge_word(forge, "tree", &tree);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *tiles = forge_path(tree, "tile");
	const struct iov_source source = forge_source(tree);
	iov_fs_rmtree(tiles);
	for (ssize_t len; !rc && (len = getline(&line, &room, stdin)) > 0; size++)
		rc = append(forge->ctx, &source, size, line, (size_t)len - (line[len - 1] == '\n'));
	free(line);
	return rc ? rc : note_log(forge, &source, size);
}
