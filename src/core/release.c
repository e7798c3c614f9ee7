#include "core/release.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/status.h"
#include "util/buf.h"
#include "util/cleanup.h"

#define SCHEMA 1

/* ---- paths inside an archive ---- */

static bool is_path_part(const char *part, size_t len)
{
	if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (part[i] < ' ' || part[i] > '~' || part[i] == '\\')
			return false;
	return true;
}

bool iov_is_archive_path(const char *path)
{
	if (strlen(path) > IOV_PATH_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(path, "/");
		if (!is_path_part(path, len))
			return false;
		if (!path[len])
			return true;
		path += len + 1;
	}
}

char *iov_object_path_for(const char *name)
{
	struct utsname machine;
	struct iov_buf path = {0};
	if (uname(&machine))
		return NULL;
	iov_buf_printf(&path, "objects/%s/%s.bpf.o", machine.machine, name);
	return iov_buf_take(&path);
}

static int by_path(const void *path, const void *file)
{
	return strcmp(path, ((const struct iov_file *)file)->path);
}

const struct iov_file *iov_release_file(const struct iov_release *release, const char *path)
{
	return bsearch(path, release->files, release->n_files, sizeof(*release->files), by_path);
}

const char *iov_release_object_path(const struct iov_release *release)
{
	iov_auto(iov_free_ptr) char *path = iov_object_path_for(release->manifest->name);
	const struct iov_file *file = path ? iov_release_file(release, path) : NULL;
	return file ? file->path : NULL;
}

/* ---- the record ---- */

static int get_digest(struct iov_ctx *ctx, const char *what, const json_t *json, const char **ret)
{
	int rc = iov_json_get_string(ctx, what, json, "sha256", ret);
	if (!rc && !iov_is_sha256_hex(*ret))
		return iov_error(ctx, IOV_E_INPUT, "%s: 'sha256' is not 64 lower-case hex digits", what);
	return rc;
}

static int get_size(struct iov_ctx *ctx, const char *what, const json_t *json, const char *key, uint64_t limit,
		    uint64_t *ret)
{
	int rc = iov_json_get_uint(ctx, what, json, key, ret);
	if (!rc && *ret > limit)
		return iov_error(ctx, IOV_E_INPUT, "%s: '%s' is %llu bytes, more than the %llu allowed", what, key,
				 (unsigned long long)*ret, (unsigned long long)limit);
	return rc;
}

static int read_file(struct iov_ctx *ctx, const json_t *json, struct iov_file *ret)
{
	int rc = iov_json_get_string(ctx, "a file of the archive", json, "path", &ret->path);
	if (!rc && !iov_is_archive_path(ret->path))
		return iov_error(ctx, IOV_E_INPUT, "'%s' is no path that an archive may hold", ret->path);
	if (!rc)
		rc = get_digest(ctx, "a file of the archive", json, &ret->sha256);
	return rc ? rc : get_size(ctx, "a file of the archive", json, "size", IOV_UNPACKED_MAX, &ret->size);
}

/* Each path once and in order, so that a record has one spelling and files are found by halving. */
static int check_files(struct iov_ctx *ctx, const struct iov_release *release)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < release->n_files; i++) {
		if (i && strcmp(release->files[i - 1].path, release->files[i].path) >= 0)
			return iov_error(ctx, IOV_E_INPUT,
					 "files of the archive are not sorted, or '%s' is there twice",
					 release->files[i].path);
		sum += release->files[i].size;
	}
	if (sum != release->unpacked)
		return iov_error(ctx, IOV_E_INPUT, "archive: 'unpacked' is %llu bytes, but its files have %llu",
				 (unsigned long long)release->unpacked, (unsigned long long)sum);
	if (iov_release_file(release, IOV_RELEASE_FILE))
		return iov_error(ctx, IOV_E_INPUT, "archive holds '%s', a name that the store needs; rename the file",
				 IOV_RELEASE_FILE);
	if (!iov_release_file(release, IOV_MANIFEST_FILE))
		return iov_error(ctx, IOV_E_INPUT, "archive has no '%s'", IOV_MANIFEST_FILE);
	return IOV_OK;
}

static int read_files(struct iov_ctx *ctx, const json_t *archive, struct iov_release *ret)
{
	json_t *files = NULL;
	int rc = iov_json_get_array(ctx, "archive", archive, "files", &files);
	if (rc)
		return rc;
	size_t count = json_array_size(files);
	if (count > IOV_FILES_MAX)
		return iov_error(ctx, IOV_E_INPUT, "archive has %zu files, more than the %d allowed", count,
				 IOV_FILES_MAX);
	ret->files = calloc(count + 1, sizeof(*ret->files));
	if (!ret->files)
		return iov_oom(ctx);
	ret->n_files = count;
	for (size_t i = 0; !rc && i < count; i++)
		rc = read_file(ctx, json_array_get(files, i), &ret->files[i]);
	return rc ? rc : check_files(ctx, ret);
}

static int read_archive(struct iov_ctx *ctx, const json_t *record, struct iov_release *ret)
{
	json_t *archive = NULL;
	int rc = iov_json_get_object(ctx, "release", record, "archive", &archive);
	if (!rc)
		rc = get_digest(ctx, "archive", archive, &ret->sha256);
	if (!rc)
		rc = get_size(ctx, "archive", archive, "size", IOV_ARCHIVE_MAX, &ret->size);
	if (!rc)
		rc = get_size(ctx, "archive", archive, "unpacked", IOV_UNPACKED_MAX, &ret->unpacked);
	return rc ? rc : read_files(ctx, archive, ret);
}

/* What the publisher signed. */
static int read_record(struct iov_ctx *ctx, const json_t *record, struct iov_release *ret)
{
	uint64_t schema = 0;
	json_t *manifest = NULL, *object = NULL;
	int rc = iov_json_get_uint(ctx, "release", record, "schema", &schema);
	if (!rc && schema != SCHEMA)
		return iov_error(ctx, IOV_E_UNSUPPORTED,
				 "release has schema %llu, this iovpkg reads %d; use a newer iovpkg",
				 (unsigned long long)schema, SCHEMA);
	if (!rc)
		rc = read_archive(ctx, record, ret);
	if (!rc)
		rc = iov_json_get_object(ctx, "release", record, "manifest", &manifest);
	if (!rc)
		rc = iov_manifest_from_json(ctx, manifest, &ret->manifest);
	if (!rc)
		rc = iov_json_get_object(ctx, "release", record, "object", &object);
	return rc ? rc : iov_object_from_json(ctx, object, &ret->object);
}

/* "2026-11-23T10:00:00Z" and no other spelling. (libc's calendar would read the host's time zone for it, in every
 * command.) */
static bool is_time(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
	for (size_t i = 0; i < sizeof(shape); i++)
		if (shape[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
			return false;
	sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2u", &year, &month, &day, &hour, &minute, &second);
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap) && hour < 24 &&
	       minute < 60 && second < 60;
}

static int check_signatures(struct iov_ctx *ctx, const json_t *line)
{
	json_t *signatures = NULL, *one;
	size_t i;
	int rc = iov_json_get_array(ctx, "index line", line, "signatures", &signatures);
	if (rc)
		return rc;
	json_array_foreach(signatures, i, one) {
		if (!json_is_string(one))
			return iov_error(ctx, IOV_E_INPUT,
					 "index line: 'signatures' holds something that is not a string");
	}
	return IOV_OK;
}

static int read_line(struct iov_ctx *ctx, const json_t *line, struct iov_release *ret)
{
	json_t *record = NULL;
	int rc = iov_json_get_object(ctx, "index line", line, "release", &record);
	if (!rc)
		rc = read_record(ctx, record, ret);
	if (!rc)
		rc = iov_json_get_uint(ctx, "index line", line, "log", &ret->log);
	if (!rc)
		rc = iov_json_get_string(ctx, "index line", line, "published", &ret->published);
	if (!rc && !is_time(ret->published))
		return iov_error(ctx, IOV_E_INPUT,
				 "index line: 'published' is not a time such as 2026-11-23T10:00:00Z");
	if (!rc)
		rc = iov_status_read(ctx, line, ret);
	return rc ? rc : check_signatures(ctx, line);
}

int iov_release_from_json(struct iov_ctx *ctx, json_t *json, struct iov_release **ret)
{
	struct iov_release *release = calloc(1, sizeof(*release));
	if (!release)
		return iov_oom(ctx);
	release->references = 1;
	release->json = json_incref(json);
	int rc = read_line(ctx, json, release);
	if (rc) {
		iov_release_free(release);
		return rc;
	}
	*ret = release;
	return IOV_OK;
}

int iov_release_parse(struct iov_ctx *ctx, const char *what, const char *line, size_t len, struct iov_release **ret)
{
	iov_auto(iov_json_release) json_t *json = NULL;
	int rc = iov_json_parse(ctx, what, line, len, IOV_INDEX_LINE_MAX, &json);
	if (rc)
		return rc;
	rc = iov_release_from_json(ctx, json, ret);
	return rc ? iov_error_prefix(ctx, "%s", what) : IOV_OK;
}

struct iov_release *iov_release_ref(struct iov_release *release)
{
	release->references++;
	return release;
}

void iov_release_free(struct iov_release *release)
{
	if (!release || --release->references)
		return;
	iov_manifest_free(release->manifest);
	iov_object_free(release->object);
	json_decref(release->json);
	free(release->files);
	free(release->registry);
	free(release);
}

char *iov_release_signed_text(const struct iov_release *release)
{
	struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *record = iov_json_canonical(json_object_get(release->json, "release"));
	if (!record)
		return NULL;
	iov_buf_puts(&text, record);
	iov_buf_puts(&text, "\n");
	return iov_buf_take(&text);
}
