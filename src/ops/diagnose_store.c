/* The store: has it what the lock names, and is that what was signed? It is asked when the host starts again, so that
 * nobody should learn of it only then. */
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "ops/diagnose.h"
#include "state/generations.h"
#include "state/record.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/fs.h"

static void free_release(struct iov_release **release)
{
	iov_release_free(*release);
}

static void free_object(struct iov_object **object)
{
	iov_object_free(*object);
}

struct row_look {
	struct iov_diagnosis *diagnosis;
	const struct iov_record_row *row;
	char title[IOV_NAME_MAX + IOV_VERSION_MAX + 2];
};

/* The error that stands says what is wrong with it. */
static int bad(struct row_look *look, enum iov_finding_kind kind, const char *key)
{
	struct iov_ctx *ctx = look->diagnosis->ctx;
	iov_auto(iov_free_ptr) char *path = iov_store_dir(ctx, key);
	if (!path)
		return iov_oom(ctx);
	return iov_findings_add(ctx, &look->diagnosis->findings, kind, look->row->name, path, "%s: %s", look->title,
				iov_error_text(ctx));
}

static bool is_same_object(const struct iov_object *a, const struct iov_object *b)
{
	return json_equal(a->json, b->json);
}

/* Nobody signs what was built here; it must say of itself what the release says of it. */
static int look_at_object(struct row_look *look, const struct iov_release *release)
{
	struct iov_ctx *ctx = look->diagnosis->ctx;
	struct iov_installed installed = {.release = (struct iov_release *)release};
	iov_auto(free_object) struct iov_object *object = NULL;
	if (!*look->row->object)
		return IOV_OK; /* a file of the archive */
	memcpy(installed.object, look->row->object, strlen(look->row->object) + 1);
	iov_auto(iov_free_ptr) char *path = iov_store_object_path(ctx, &installed);
	if (!path)
		return iov_oom(ctx);
	if (!iov_fs_exists(path))
		return iov_findings_add(ctx, &look->diagnosis->findings, IOV_FOUND_OBJECT, look->row->name, path,
					"%s: the object that was built of it, '%s', is missing", look->title, path);
	if (iov_check_object(ctx, path, &object))
		return bad(look, IOV_FOUND_OBJECT, look->row->object);
	if (is_same_object(object, release->object))
		return IOV_OK;
	return iov_findings_add(ctx, &look->diagnosis->findings, IOV_FOUND_OBJECT, look->row->name, path,
				"%s: the object '%s' has other programs or maps than the release says", look->title,
				path);
}

static int look_at_row(struct iov_ctx *ctx, const struct iov_record_row *row, void *data)
{
	struct row_look look = {.diagnosis = data, .row = row};
	iov_auto(free_release) struct iov_release *release = NULL;
	snprintf(look.title, sizeof(look.title), "%s %s", row->name, row->version);
	if (iov_store_release(ctx, row->sha256, &release) || iov_store_check(ctx, release))
		return bad(&look, IOV_FOUND_RELEASE, row->sha256);
	return look_at_object(&look, release);
}

int iov_diagnose_store(struct iov_diagnosis *diagnosis)
{
	struct iov_ctx *ctx = diagnosis->ctx;
	iov_auto(iov_json_release) json_t *lock = NULL;
	uint64_t number = 0;
	if (iov_generation_current_number(ctx, &number))
		return iov_findings_add(ctx, &diagnosis->findings, IOV_FOUND_GENERATION, "", "current",
					"the current generation is not known: %s", iov_error_text(ctx));
	if (!number)
		return IOV_OK;
	iov_auto(iov_free_ptr) char *path =
		iov_path(ctx, IOV_STATE "/generations/%llu/lock.json", (unsigned long long)number);
	if (!path)
		return iov_oom(ctx);
	if (iov_json_read(ctx, path, IOV_RECORD_MAX, &lock) || iov_record_rows(ctx, path, lock, look_at_row, diagnosis))
		return iov_findings_add(ctx, &diagnosis->findings, IOV_FOUND_GENERATION, "", path,
					"the current generation cannot be read: %s", iov_error_text(ctx));
	return IOV_OK;
}
