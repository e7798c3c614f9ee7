#include "submissions.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/worker.h"

#define SOURCE "src/a.bpf.c"

void unit_signer(struct iov_ctx *ctx, const char *name, struct iov_signer *ret)
{
	unit_ok(ctx, iov_signer_generate(ctx, name, ret));
}

static char *write_file(struct iov_ctx *ctx, const char *name, const char *file, const char *text)
{
	char *path = iov_path(ctx, "/modules/%s/%s", name, file);
	ck_assert_ptr_nonnull(path);
	ck_assert_int_eq(iov_fs_mkdirs_for(path, 0755), 0);
	ck_assert_int_eq(iov_fs_replace(path, text, strlen(text), 0644), 0);
	return path;
}

static json_t *described(struct iov_ctx *ctx, const char *path, const char *file)
{
	char sha256[IOV_HEX_SIZE];
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	ck_assert_int_eq(iov_fs_read(file, 1 << 20, &text), 0);
	iov_sha256_hex(text.data, text.len, sha256);
	(void)ctx;
	return json_pack("{s:s, s:s, s:I}", "path", path, "sha256", sha256, "size", (json_int_t)text.len);
}

static json_int_t size_of(const json_t *file)
{
	return json_integer_value(json_object_get(file, "size"));
}

static void make(struct iov_ctx *ctx, const char *name, const char *version, const char *source, const char *exports,
		 json_t *maps, struct unit_submission *ret)
{
	struct iov_manifest *manifest = NULL;
	iov_auto(iov_buf_release) struct iov_buf yaml = {0};
	iov_buf_printf(
		&yaml,
		"schema: 1\nname: %s\nversion: %s\nsummary: A test\nlicense: GPL-2.0-only\nbuild:\n  sources: [" SOURCE
		"]\n%s",
		name, version, exports);
	iov_auto(iov_free_ptr) char *yaml_path = write_file(ctx, name, IOV_MANIFEST_FILE, yaml.data);
	iov_auto(iov_free_ptr) char *source_path = write_file(ctx, name, SOURCE, source);
	unit_ok(ctx, iov_manifest_parse_yaml(ctx, yaml_path, yaml.data, yaml.len, &manifest));

	ret->archive = iov_path(ctx, "/modules/%s-%s.iov", name, version);
	const struct iov_pack_entry entries[] = {{IOV_MANIFEST_FILE, yaml_path}, {SOURCE, source_path}};
	iov_auto(iov_close_fd) int fd = open(ret->archive, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	unit_ok(ctx, iov_archive_pack(ctx, entries, 2, fd));
	unit_ok(ctx, iov_sha256_file(ctx, ret->archive, ret->sha256));

	json_t *first = described(ctx, IOV_MANIFEST_FILE, yaml_path), *second = described(ctx, SOURCE, source_path);
	json_int_t unpacked = size_of(first) + size_of(second);
	ret->record = json_pack("{s:{s:[o,o], s:s, s:I, s:I}, s:O, s:{s:s, s:o, s:[]}, s:i}", "archive", "files", first,
				second, "sha256", ret->sha256, "size", (json_int_t)lseek(fd, 0, SEEK_END), "unpacked",
				unpacked, "manifest", manifest->json, "object", "license", "GPL", "maps", maps,
				"programs", "schema", 1);
	ck_assert_ptr_nonnull(ret->record);
	iov_manifest_free(manifest);
}

void unit_submission_make(struct iov_ctx *ctx, const char *name, const char *version, const char *source,
			  struct unit_submission *ret)
{
	make(ctx, name, version, source, "", json_array(), ret);
}

void unit_submission_export(struct iov_ctx *ctx, const char *name, const char *version, const char *field,
			    struct unit_submission *ret)
{
	iov_auto(iov_json_release) json_t *layout =
		json_pack("{s:s, s:{s:s, s:i, s:[{s:s, s:i, s:s}]}}", "key", "u32", "value", "kind", "struct", "size",
			  8, "members", "name", field, "offset", 0, "type", "u64");
	struct iov_object_map map = {.type = "hash", .key_size = 4, .value_size = 8, .layout = layout};
	unit_ok(ctx, iov_check_fingerprint(ctx, &map));
	json_t *maps = json_pack("[{s:s, s:s, s:i, s:i, s:i, s:i, s:O, s:s}]", "name", "flows", "type", "hash",
				 "key_size", 4, "value_size", 8, "max_entries", 16, "flags", 0, "layout", layout,
				 "fingerprint", map.fingerprint);
	make(ctx, name, version, field, "maps:\n  exports: {flows: {access: read}}\n", maps, ret);
}

void unit_submission_release(struct unit_submission *submission)
{
	json_decref(submission->record);
	free(submission->archive);
	*submission = (struct unit_submission){.record = NULL};
}
