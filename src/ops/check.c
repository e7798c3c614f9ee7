/* check: will these kernels load a module or object? Nothing is loaded. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "check/against.h"
#include "check/check.h"
#include "ops/edit.h"
#include "ops/registries.h"
#include "state/generations.h"
#include "store/store.h"
#include "util/cleanup.h"

/* What is checked: an object of its own, or one that belongs to a release. */
struct subject {
	struct iov_object *read;	     /* from a file; owned */
	struct iov_sources *sources;	     /* of the file; NULL: it is not at hand; owned */
	const struct iov_object *object;     /* borrowed */
	const struct iov_manifest *manifest; /* of a module; NULL: a file; borrowed */
	const char *version;		     /* of a module; NULL: a file */
	struct iov_registries *registries;
	struct iov_generation *current;
};

static void subject_release(struct subject *subject)
{
	iov_object_free(subject->read);
	iov_sources_close(&subject->sources);
	iov_registries_close(&subject->registries);
	iov_generation_release(&subject->current);
}

static void take_release(struct subject *subject, const struct iov_release *release)
{
	subject->object = release->object;
	subject->manifest = release->manifest;
	subject->version = release->manifest->version.text;
}

/* The newest release that is not withdrawn. */
static int find_released(struct iov_ctx *ctx, const char *name, struct subject *ret)
{
	struct iov_release *const *releases = NULL;
	const struct iov_release *newest = NULL;
	size_t count = 0;
	int rc = iov_registries_open_fresh(ctx, &ret->registries);
	if (!rc)
		rc = iov_registries_need_one(ctx, ret->registries, name);
	if (!rc)
		rc = iov_registries_releases(ctx, ret->registries, name, &releases, &count);
	for (size_t i = 0; !rc && i < count; i++)
		if (!releases[i]->yanked &&
		    (!newest || iov_version_compare(&releases[i]->manifest->version, &newest->manifest->version) > 0))
			newest = releases[i];
	if (newest)
		take_release(ret, newest);
	return rc || newest ? rc
			    : iov_error(ctx, IOV_E_NOT_FOUND,
					"there is no file '%s', and no registry has a module of that name; 'iovpkg "
					"search' lists what there is",
					name);
}

/* An entry of the store that is gone or damaged is for 'verify' to tell of: the answer then names no lines. */
static void open_sources(struct iov_ctx *ctx, const struct iov_installed *installed, struct subject *ret)
{
	struct iov_saved_error saved = iov_error_save(ctx);
	iov_auto(iov_free_ptr) char *path = iov_store_object_path(ctx, installed);
	if (path)
		iov_sources_open(ctx, path, &ret->sources);
	iov_error_restore(ctx, saved);
}

static int find_module(struct iov_ctx *ctx, const char *name, struct subject *ret)
{
	int rc = iov_generation_current(ctx, &ret->current);
	const struct iov_installed *installed = rc ? NULL : iov_generation_installed(ret->current, name);
	if (!installed)
		return rc ? rc : find_released(ctx, name, ret);
	take_release(ret, installed->release);
	open_sources(ctx, installed, ret);
	return IOV_OK;
}

static int find_subject(struct iov_ctx *ctx, const char *name, struct subject *ret)
{
	struct stat st;
	if (stat(name, &st) || !S_ISREG(st.st_mode))
		return find_module(ctx, name, ret);
	int rc = iov_check_object(ctx, name, &ret->read);
	ret->object = ret->read;
	return rc ? rc : iov_sources_open(ctx, name, &ret->sources);
}

/* NULL: the running kernel. */
static int check_one(struct iov_ctx *ctx, const struct subject *subject, const char *path, enum iov_verdict *worst,
		     json_t *kernels)
{
	iov_auto(iov_kernel_release) struct iov_kernel kernel = {0};
	enum iov_verdict verdict = IOV_LOADS;
	json_t *answer = NULL;
	int rc = path ? iov_kernel_open(ctx, path, &kernel) : iov_kernel_running(ctx, &kernel);
	if (!rc)
		rc = iov_check_against(ctx, subject->object, subject->manifest, &kernel, subject->sources, &verdict,
				       &answer);
	if (rc)
		return rc;
	*worst = verdict > *worst ? verdict : *worst;
	return json_array_append_new(kernels, answer) ? iov_oom(ctx) : IOV_OK;
}

int iov_check(struct iov_ctx *ctx, const char *subject, const char *const *against, size_t count, char **ret_json)
{
	iov_auto(subject_release) struct subject found = {0};
	iov_auto(iov_json_release) json_t *kernels = json_array();
	enum iov_verdict worst = IOV_LOADS;
	int rc = find_subject(ctx, subject, &found);
	for (size_t i = 0; !rc && i < (count ? count : 1); i++)
		rc = check_one(ctx, &found, count ? against[i] : NULL, &worst, kernels);
	if (rc)
		return rc;
	return iov_answer(ctx,
			  json_pack("{s:s, s:s?, s:s, s:O}", "name", subject, "version", found.version, "verdict",
				    iov_verdict_word(worst), "kernels", kernels),
			  ret_json);
}
