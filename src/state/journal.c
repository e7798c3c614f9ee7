#include "state/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define SCHEMA 1
#define JOURNAL_MAX 4096 /* bytes; a journal has about 100 */

int iov_boot_id(struct iov_ctx *ctx, char ret[40])
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	int rc = iov_fs_read("/proc/sys/kernel/random/boot_id", 64, &text);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot read the boot id; is /proc mounted");
	size_t len = strcspn(text.data, "\n");
	if (len == 0 || len >= 40)
		return iov_error(ctx, IOV_E_IO, "the kernel's boot id '%s' is no UUID", text.data);
	memcpy(ret, text.data, len);
	ret[len] = '\0';
	return IOV_OK;
}

static int write_file(const char *path, const char *text)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -errno : iov_fs_write_fd(fd, text, strlen(text));
}

/* Whole or absent for every reader: written aside and renamed. No fsync: after a power cut the kernel has forgotten
 * what it would tell of. */
static int put(struct iov_ctx *ctx, const char *text)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/journal");
	iov_auto(iov_free_ptr) char *temporary = iov_path(ctx, IOV_STATE "/journal.new");
	if (!path || !temporary)
		return iov_oom(ctx);
	int rc = iov_fs_mkdirs_for(path, 0755);
	if (!rc)
		rc = write_file(temporary, text);
	if (!rc && rename(temporary, path))
		rc = -errno;
	if (!rc)
		return IOV_OK;
	unlink(temporary);
	return iov_error_errno(ctx, rc, "cannot write the journal '%s'", path);
}

int iov_journal_begin(struct iov_ctx *ctx, uint64_t from, uint64_t to)
{
	char boot_id[40];
	int rc = iov_boot_id(ctx, boot_id);
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *json = json_pack("{s:i, s:s, s:I, s:I}", "schema", SCHEMA, "boot_id",
							    boot_id, "from", (json_int_t)from, "to", (json_int_t)to);
	iov_auto(iov_free_ptr) char *text = json ? iov_json_canonical(json) : NULL;
	return text ? put(ctx, text) : iov_oom(ctx);
}

static int parse(struct iov_ctx *ctx, const char *path, const struct iov_buf *text, struct iov_journal *ret)
{
	const char *boot_id = NULL;
	uint64_t schema = 0;
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_json_parse(ctx, path, text->data, text->len, JOURNAL_MAX, &json);
	if (!rc)
		rc = iov_json_get_uint(ctx, path, json, "schema", &schema);
	if (!rc && schema != SCHEMA)
		return iov_error(ctx, IOV_E_UNSUPPORTED, "'%s' was written by a newer iovpkg; use that one", path);
	if (!rc)
		rc = iov_json_get_uint(ctx, path, json, "from", &ret->from);
	if (!rc)
		rc = iov_json_get_uint(ctx, path, json, "to", &ret->to);
	if (!rc)
		rc = iov_json_get_string(ctx, path, json, "boot_id", &boot_id);
	if (!rc && strlen(boot_id) >= sizeof(ret->boot_id))
		return iov_error(ctx, IOV_E_INPUT, "%s: 'boot_id' is no boot id", path);
	if (!rc)
		memcpy(ret->boot_id, boot_id, strlen(boot_id) + 1);
	return rc;
}

int iov_journal_read(struct iov_ctx *ctx, struct iov_journal *ret, bool *ret_present)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/journal");
	if (!path)
		return iov_oom(ctx);
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	int rc = iov_fs_read(path, JOURNAL_MAX, &text);
	if (rc && rc != -ENOENT)
		return iov_error_errno(ctx, rc, "cannot read the journal '%s'", path);
	struct iov_journal journal = {0};
	/* Empty or zeros: a power cut came before the bytes reached the disk. It is of an earlier boot, which is all
	 * that counts then. */
	if (!rc && text.len && text.data[0]) {
		rc = parse(ctx, path, &text, &journal);
		if (rc)
			return rc;
	}
	*ret_present = rc != -ENOENT;
	*ret = journal;
	return IOV_OK;
}

int iov_journal_end(struct iov_ctx *ctx)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/journal");
	if (!path)
		return iov_oom(ctx);
	if (unlink(path) && errno != ENOENT)
		return iov_error_errno(ctx, errno, "cannot remove the journal '%s'", path);
	return IOV_OK;
}
