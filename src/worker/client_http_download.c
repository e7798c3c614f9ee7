/* Archives, into files, with a digest that runs along. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "worker/client_http.h"

#define PARALLEL 6
#define CHUNK (64 * 1024)

/* Of all files of one call. */
struct total {
	char subject[128];
	uint64_t done, size;
};

struct download {
	struct iov_http_file *file;
	struct total *total;
	int fd;
	struct iov_digest *digest; /* of the first `have` bytes, which is all that the file holds */
	uint64_t have;
	bool resumed; /* some of them are of an earlier time or try */
};

static int cannot(struct iov_ctx *ctx, const struct download *download, const char *what)
{
	return iov_error_errno(ctx, errno, "cannot %s '%s'", what, download->file->path);
}

/* ---- what is there ---------------------------------------------------------------------------------------------- */

/* From nothing. */
static int restart(struct iov_ctx *ctx, struct download *download)
{
	iov_digest_free(iov_take(download->digest));
	download->total->done -= download->have;
	download->have = 0;
	download->resumed = false;
	if (ftruncate(download->fd, 0) || lseek(download->fd, 0, SEEK_SET) < 0)
		return cannot(ctx, download, "empty");
	return iov_digest_new_for(ctx, download->file->size, &download->digest);
}

static void add(struct iov_ctx *ctx, struct download *download, const void *data, size_t len)
{
	struct total *total = download->total;
	iov_digest_add(download->digest, data, len);
	download->have += len;
	total->done += len;
	iov_progress_bytes(ctx, "fetching", total->subject, total->done, total->size);
}

/* The digest of what an interrupted download left; the file is then positioned behind it. */
static int read_rest(struct iov_ctx *ctx, struct download *download)
{
	iov_auto(iov_free_ptr) char *chunk = malloc(CHUNK);
	int rc = chunk ? iov_digest_new_for(ctx, download->file->size, &download->digest) : iov_oom(ctx);
	while (!rc) {
		ssize_t got = read(download->fd, chunk, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cannot(ctx, download, "read");
		if (!got)
			break;
		if (download->have + (uint64_t)got > download->file->size)
			return restart(ctx, download);
		add(ctx, download, chunk, (size_t)got);
	}
	download->resumed = download->have > 0;
	return rc;
}

static int open_file(struct iov_ctx *ctx, struct download *download)
{
	download->fd = open(download->file->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	return download->fd < 0 ? cannot(ctx, download, "make") : read_rest(ctx, download);
}

/* ---- a task's functions ----------------------------------------------------------------------------------------- */

static int prepare(struct iov_ctx *ctx, struct iov_http_task *task)
{
	struct download *download = task->data;
	int rc = download->have == download->file->size ? restart(ctx, download) : IOV_OK;
	download->resumed = download->have > 0;
	task->offset = download->have;
	return rc;
}

static int take(struct iov_ctx *ctx, struct iov_http_task *task, const void *data, size_t len)
{
	struct download *download = task->data;
	/* A server that does not know of parts begins at the beginning. */
	int rc = task->status == 200 && !task->taken && download->have ? restart(ctx, download) : IOV_OK;
	int err = rc ? 0 : iov_fs_write_fd(download->fd, data, len);
	if (err)
		return iov_error_errno(ctx, err, "cannot write '%s'", download->file->path);
	if (!rc)
		add(ctx, download, data, len);
	return rc;
}

static bool is_right(struct download *download)
{
	char sha256[IOV_HEX_SIZE];
	iov_digest_end_hex(download->digest, sha256);
	return download->have == download->file->size && !strcmp(sha256, download->file->sha256);
}

/* Wrong bytes may have been there before this server was asked: it gets the chance to send all of them. */
static int end(struct iov_ctx *ctx, struct iov_http_task *task, bool *ret_again)
{
	struct download *download = task->data;
	const struct iov_http_file *file = download->file;
	const char *url = task->places[task->place].url;
	if (task->status == 404)
		return iov_error(ctx, IOV_E_NOT_FOUND, "'%s' is not there; ask its host", url);
	if (is_right(download))
		return IOV_OK;
	unsigned long long have = download->have;
	*ret_again = download->resumed;
	int rc = restart(ctx, download);
	return rc ? rc
		  : iov_error(ctx, IOV_E_UNTRUSTED,
			      "'%s' gave %llu bytes of '%s' that are not the %llu bytes with SHA-256 %s that were "
			      "signed; "
			      "nothing was unpacked: try again, and tell its host when it stays so",
			      url, have, file->name, (unsigned long long)file->size, file->sha256);
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static int prepare_task(struct iov_ctx *ctx, struct download *download, struct iov_http_task *task)
{
	const struct iov_http_file *file = download->file;
	if (!file->n_places)
		return iov_error(ctx, IOV_E_INTERNAL, "'%s' has no place to be downloaded from", file->name);
	for (size_t i = 0; i < file->n_places && i < IOV_HTTP_PLACES_MAX; i++)
		task->places[task->n_places++] = file->places[i];
	task->limit = file->size;
	task->plain = true;
	task->data = download;
	task->prepare = prepare;
	task->take = take;
	task->end = end;
	int rc = open_file(ctx, download);
	/* Killed after its last byte: there is nothing to ask for. */
	if (!rc && download->have == file->size && !(task->over = is_right(download)))
		rc = restart(ctx, download);
	return rc;
}

static void finish(struct download *download, const struct iov_http_task *task)
{
	memcpy(download->file->statuses, task->statuses, sizeof(task->statuses));
	download->file->place = task->place;
	download->file->code = task->over ? IOV_OK : task->code ? task->code : IOV_E_NETWORK;
	iov_digest_free(download->digest);
	if (!task->over && !download->have && download->fd >= 0)
		unlink(download->file->path);
	iov_close_fd(&download->fd);
}

static void name_total(struct total *total, const struct iov_http_file *files, size_t count)
{
	if (count == 1)
		snprintf(total->subject, sizeof(total->subject), "%s", files[0].name);
	else
		snprintf(total->subject, sizeof(total->subject), "%zu archives", count);
	for (size_t i = 0; i < count; i++)
		total->size += files[i].size;
}

int iov_http_download(struct iov_http *http, struct iov_http_file *files, size_t count)
{
	struct total total = {.done = 0};
	iov_auto(iov_free_ptr) struct download *downloads = calloc(count + 1, sizeof(*downloads));
	struct iov_http_task *tasks = calloc(count + 1, sizeof(*tasks));
	int rc = downloads && tasks ? IOV_OK : iov_oom(http->ctx);
	name_total(&total, files, count);
	for (size_t i = 0; i < count && downloads; i++)
		downloads[i] = (struct download){.file = &files[i], .total = &total, .fd = -1};
	for (size_t i = 0; i < count && !rc; i++)
		rc = prepare_task(http->ctx, &downloads[i], &tasks[i]);
	rc = rc ? rc : iov_http_run(http, tasks, count, PARALLEL);
	for (size_t i = 0; i < count && downloads && tasks; i++)
		finish(&downloads[i], &tasks[i]);
	rc = rc ? rc : iov_http_first_error(http, tasks, count);
	iov_http_tasks_free(tasks, tasks ? count : 0);
	return rc;
}
