#include "state/generations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/record.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define READ_TRIES 3 /* a reader holds no lock, so the generation it found may be collected before it is read */

static char *folder_of(struct iov_ctx *ctx, uint64_t number)
{
	return iov_path(ctx, IOV_STATE "/generations/%llu", (unsigned long long)number);
}

/* Decimal without leading zeros, nothing else: the one spelling of a generation's name. 0 is never written, so it says
 * "no number". */
static uint64_t number_of(const char *name)
{
	char *end;
	if (name[0] < '1' || name[0] > '9')
		return 0;
	errno = 0;
	unsigned long long number = strtoull(name, &end, 10);
	return *end || errno || number > INT64_MAX ? 0 : number;
}

/* ---- reading ---- */

int iov_generation_current_number(struct iov_ctx *ctx, uint64_t *ret)
{
	static const char prefix[] = "generations/";
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_STATE "/current");
	if (!path)
		return iov_oom(ctx);
	char target[64];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	if (len < 0 && errno == ENOENT) {
		*ret = 0;
		return IOV_OK;
	}
	if (len < 0)
		return iov_error_errno(ctx, errno, "cannot read the link '%s'", path);
	target[len] = '\0';
	bool ours = !strncmp(target, prefix, sizeof(prefix) - 1);
	uint64_t number = ours ? number_of(target + sizeof(prefix) - 1) : 0;
	if (!number)
		return iov_error(ctx, IOV_E_INPUT, "'%s' names no generation; point it to one in '%s/generations'",
				 path, IOV_STATE);
	*ret = number;
	return IOV_OK;
}

typedef int (*read_fn)(struct iov_ctx *ctx, const char *what, const json_t *json, struct iov_generation *generation);

static int read_document(struct iov_ctx *ctx, const char *folder, const char *name, read_fn read_it,
			 struct iov_generation *generation)
{
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", folder, name);
	if (iov_buf_failed(&path))
		return iov_oom(ctx);
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_json_read(ctx, path.data, IOV_RECORD_MAX, &json);
	return rc ? rc : read_it(ctx, path.data, json, generation);
}

int iov_generation_read(struct iov_ctx *ctx, uint64_t number, struct iov_generation **ret)
{
	iov_auto(iov_free_ptr) char *folder = folder_of(ctx, number);
	iov_auto(iov_generation_release) struct iov_generation *generation = calloc(1, sizeof(*generation));
	if (!folder || !generation)
		return iov_oom(ctx);
	int rc = IOV_OK;
	if (number) {
		rc = read_document(ctx, folder, "lock.json", iov_record_read_lock, generation);
		if (!rc)
			rc = read_document(ctx, folder, "instances.json", iov_record_read_instances, generation);
	}
	if (rc && !iov_fs_exists(folder))
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "generation %llu is not kept; 'iovpkg list' shows those that are",
				 (unsigned long long)number);
	if (rc)
		return rc;
	if (generation->number != number)
		return iov_error(ctx, IOV_E_INPUT, "'%s/lock.json' is of generation %llu", folder,
				 (unsigned long long)generation->number);
	*ret = iov_take(generation);
	return IOV_OK;
}

int iov_generation_current(struct iov_ctx *ctx, struct iov_generation **ret)
{
	uint64_t number = 0;
	int rc = iov_generation_current_number(ctx, &number);
	for (int tries = 1; !rc; tries++) {
		rc = iov_generation_read(ctx, number, ret);
		if (!rc || tries == READ_TRIES)
			return rc;
		uint64_t found = number;
		struct iov_saved_error saved = iov_error_save(ctx);
		rc = iov_generation_current_number(ctx, &number);
		if (!rc && number == found)
			return iov_error_restore(ctx, saved);
		free(saved.text);
	}
	return rc;
}

static int ascending(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return one < other ? -1 : one > other;
}

int iov_generation_numbers(struct iov_ctx *ctx, uint64_t **ret, size_t *ret_count)
{
	iov_auto(iov_free_ptr) char *folder = iov_path(ctx, IOV_STATE "/generations");
	if (!folder)
		return iov_oom(ctx);
	char **names = NULL;
	size_t n_names = 0, count = 0;
	int rc = iov_fs_names(folder, &names, &n_names);
	if (rc && rc != -ENOENT)
		return iov_error_errno(ctx, rc, "cannot read the folder '%s'", folder);
	uint64_t *numbers = calloc(n_names + 1, sizeof(*numbers));
	for (size_t i = 0; numbers && i < n_names; i++)
		if (number_of(names[i]))
			numbers[count++] = number_of(names[i]);
	iov_fs_names_free(names, n_names);
	if (!numbers)
		return iov_oom(ctx);
	qsort(numbers, count, sizeof(*numbers), ascending);
	*ret = numbers;
	*ret_count = count;
	return IOV_OK;
}

int iov_generation_newest_number(struct iov_ctx *ctx, uint64_t *ret)
{
	iov_auto(iov_free_ptr) uint64_t *numbers = NULL;
	size_t count = 0;
	int rc = iov_generation_numbers(ctx, &numbers, &count);
	if (!rc)
		*ret = count ? numbers[count - 1] : 0;
	return rc;
}

/* ---- writing ---- */

static int write_synced(const char *path, const char *text)
{
	iov_auto(iov_close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	int rc = fd < 0 ? -errno : iov_fs_write_fd(fd, text, strlen(text));
	return rc ? rc : fsync(fd) ? -errno : 0;
}

/* Takes `json` over. */
static int write_document(struct iov_ctx *ctx, const char *folder, const char *name, json_t *json)
{
	iov_auto(iov_json_release) json_t *document = json;
	iov_auto(iov_free_ptr) char *text = document ? iov_json_text(document) : NULL;
	iov_auto(iov_buf_release) struct iov_buf path = {0};
	iov_buf_printf(&path, "%s/%s", folder, name);
	if (!text || iov_buf_failed(&path))
		return iov_oom(ctx);
	int rc = write_synced(path.data, text);
	return rc ? iov_error_errno(ctx, rc, "cannot write '%s'", path.data) : IOV_OK;
}

static int fill(struct iov_ctx *ctx, const struct iov_generation *generation, const char *folder)
{
	int rc = iov_fs_mkdirs(folder, 0755);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot make the folder '%s'", folder);
	rc = write_document(ctx, folder, "lock.json", iov_record_lock(generation));
	if (!rc)
		rc = write_document(ctx, folder, "instances.json", iov_record_instances(generation));
	if (rc)
		return rc;
	rc = iov_fs_sync_dir(folder);
	return rc ? iov_error_errno(ctx, rc, "cannot make '%s' durable", folder) : IOV_OK;
}

/* A generation goes at once: a half removed one would look like a damaged one. */
static int take_away(struct iov_ctx *ctx, const char *folder)
{
	iov_auto(iov_free_ptr) char *aside = iov_path(ctx, IOV_STATE "/generations/old");
	if (!aside)
		return iov_oom(ctx);
	int rc = iov_fs_rmtree(aside);
	if (!rc && rename(folder, aside) && errno != ENOENT)
		rc = -errno;
	if (!rc)
		rc = iov_fs_rmtree(aside);
	return rc ? iov_error_errno(ctx, rc, "cannot remove '%s'", folder) : IOV_OK;
}

/* A folder of that number is what an attempt left that was never committed. */
static int put_in_place(struct iov_ctx *ctx, const char *temporary, const char *final, const char *parent)
{
	int rc = take_away(ctx, final);
	if (rc)
		return rc;
	if (rename(temporary, final))
		return iov_error_errno(ctx, errno, "cannot rename '%s' to '%s'", temporary, final);
	rc = iov_fs_sync_dir(parent);
	return rc ? iov_error_errno(ctx, rc, "cannot make '%s' durable", parent) : IOV_OK;
}

int iov_generation_write(struct iov_ctx *ctx, const struct iov_generation *generation)
{
	uint64_t current = 0;
	int rc = iov_generation_current_number(ctx, &current);
	if (!rc && (!generation->number || generation->number == current))
		return iov_error(ctx, IOV_E_INTERNAL, "generation %llu cannot be written again",
				 (unsigned long long)generation->number);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *parent = iov_path(ctx, IOV_STATE "/generations");
	iov_auto(iov_free_ptr) char *temporary = iov_path(ctx, IOV_STATE "/generations/new");
	iov_auto(iov_free_ptr) char *final = folder_of(ctx, generation->number);
	if (!parent || !temporary || !final)
		return iov_oom(ctx);
	rc = iov_fs_rmtree(temporary);
	if (rc)
		return iov_error_errno(ctx, rc, "cannot remove '%s'", temporary);
	rc = fill(ctx, generation, temporary);
	if (!rc)
		rc = put_in_place(ctx, temporary, final, parent);
	if (rc)
		iov_fs_rmtree(temporary);
	return rc;
}

int iov_generation_commit(struct iov_ctx *ctx, uint64_t number)
{
	iov_auto(iov_free_ptr) char *state = iov_path(ctx, IOV_STATE);
	iov_auto(iov_free_ptr) char *current = iov_path(ctx, IOV_STATE "/current");
	iov_auto(iov_free_ptr) char *temporary = iov_path(ctx, IOV_STATE "/current.new");
	iov_auto(iov_free_ptr) char *folder = folder_of(ctx, number);
	if (!state || !current || !temporary || !folder)
		return iov_oom(ctx);
	if (!iov_fs_exists(folder))
		return iov_error(ctx, IOV_E_INTERNAL, "generation %llu was not written", (unsigned long long)number);
	char target[64];
	snprintf(target, sizeof(target), "generations/%llu", (unsigned long long)number);
	unlink(temporary);
	if (symlink(target, temporary) || rename(temporary, current)) {
		int err = errno;
		unlink(temporary);
		return iov_error_errno(ctx, err, "cannot point '%s' to '%s'", current, target);
	}
	int rc = iov_fs_sync_dir(state);
	return rc ? iov_error_errno(ctx, rc, "cannot make '%s' durable", state) : IOV_OK;
}

int iov_generation_remove(struct iov_ctx *ctx, uint64_t number)
{
	uint64_t current = 0;
	int rc = iov_generation_current_number(ctx, &current);
	if (!rc && (!number || number == current))
		return iov_error(ctx, IOV_E_INTERNAL, "generation %llu is current", (unsigned long long)number);
	if (rc)
		return rc;
	iov_auto(iov_free_ptr) char *folder = folder_of(ctx, number);
	return folder ? take_away(ctx, folder) : iov_oom(ctx);
}
