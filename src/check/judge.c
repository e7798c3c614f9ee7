#include "check/judge.h"

#include <string.h>

#include "check/kernel.h"
#include "check/lack.h"
#include "core/kept.h"
#include "util/arena.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define MAGIC "iovverdicts1"
#define FILE_MAX (1u << 20) /* bytes; with ten thousand verdicts it begins anew */

/* A release that was asked about and is not loaded. */
struct refused {
	const struct iov_release *release;
	struct iov_lack lack;
	const struct refused *before;
};

struct iov_judge {
	char *given;		  /* the file with a kernel's types; NULL: the running one; owned */
	char *path;		  /* where verdicts are kept; NULL: nowhere; owned */
	bool modules;		  /* has the kernel modules with types of their own? */
	bool changed;		  /* there is more to keep */
	bool unknown;		  /* this kernel has no types: nothing can be told */
	json_t *verdicts;	  /* by release; owned */
	struct iov_kernel kernel; /* no types: not read yet */
	struct iov_arena arena;
	const struct refused *last;
};

/* ---- what is kept ---- */

static bool is_ours(const struct iov_judge *judge, const json_t *kept)
{
	const char *version = json_string_value(json_object_get(kept, "iovpkg"));
	return version && !strcmp(version, IOV_VERSION) &&
	       json_is_true(json_object_get(kept, "modules")) == judge->modules &&
	       json_is_object(json_object_get(kept, "verdicts"));
}

/* NULL: there is nothing that can be used. */
static json_t *read_verdicts(const struct iov_judge *judge)
{
	iov_auto(iov_json_release) json_t *kept = judge->path ? iov_kept_read(judge->path, MAGIC, FILE_MAX) : NULL;
	return is_ours(judge, kept) ? json_incref(json_object_get(kept, "verdicts")) : NULL;
}

static void write_verdicts(const struct iov_judge *judge)
{
	iov_auto(iov_json_release) json_t *kept = json_pack("{s:s, s:b, s:O}", "iovpkg", IOV_VERSION, "modules",
							    judge->modules, "verdicts", judge->verdicts);
	iov_kept_write(judge->path, MAGIC, kept);
}

/* ---- */

static char *kept_path(const struct iov_ctx *ctx)
{
	char build[IOV_HEX_SIZE];
	return iov_kernel_build(build) ? iov_path(ctx, IOV_CACHE "/verdicts/%.*s", IOV_KERNEL_BUILD_DIGITS, build)
				       : NULL;
}

int iov_judge_new(struct iov_ctx *ctx, const char *path, struct iov_judge **ret)
{
	iov_auto(iov_judge_close) struct iov_judge *judge = calloc(1, sizeof(*judge));
	if (!judge || (path && !(judge->given = strdup(path))))
		return iov_oom(ctx);
	if (!path) {
		judge->path = kept_path(ctx);
		judge->modules = iov_kernel_has_modules();
	}
	judge->verdicts = read_verdicts(judge);
	if (!judge->verdicts)
		judge->verdicts = json_object();
	if (!judge->verdicts)
		return iov_oom(ctx);
	*ret = iov_take(judge);
	return IOV_OK;
}

void iov_judge_close(struct iov_judge **place)
{
	struct iov_judge *judge = iov_take(*place);
	if (!judge)
		return;
	if (judge->changed && judge->path)
		write_verdicts(judge);
	iov_kernel_release(&judge->kernel);
	json_decref(judge->verdicts);
	iov_arena_release(&judge->arena);
	free(judge->given);
	free(judge->path);
	free(judge);
}

/* A kernel that tells nothing of its types is asked once. */
static int know_kernel(struct iov_ctx *ctx, struct iov_judge *judge)
{
	if (judge->kernel.btf || judge->unknown)
		return IOV_OK;
	if (judge->given)
		return iov_kernel_open(ctx, judge->given, &judge->kernel);
	struct iov_saved_error saved = iov_error_save(ctx);
	judge->unknown = iov_kernel_types(ctx, &judge->kernel) != IOV_OK;
	iov_error_restore(ctx, saved);
	return IOV_OK;
}

static int find_out(struct iov_ctx *ctx, struct iov_judge *judge, const struct iov_release *release, const char *key,
		    json_t **ret)
{
	json_t *lack = NULL;
	int rc = know_kernel(ctx, judge);
	if (!rc && !judge->given && !judge->unknown)
		rc = iov_kernel_try(ctx, release->object, &judge->kernel);
	if (!rc)
		rc = judge->unknown ? IOV_OK : iov_lack_find(ctx, release, &judge->kernel, &lack);
	if (rc || !lack)
		return rc;
	judge->changed |= json_object_get(judge->kernel.facts, "programs") != NULL; /* else somebody may try yet */
	if (json_object_set_new(judge->verdicts, key, lack))
		return iov_oom(ctx);
	*ret = lack;
	return IOV_OK;
}

/* A registry may say of its own archives what it likes, but not of those of others. */
static char *key_of(const struct iov_release *release)
{
	struct iov_buf key = {0};
	iov_buf_printf(&key, "%s/%s", release->registry ? release->registry : "", release->sha256);
	return iov_buf_take(&key);
}

bool iov_judge_knows(const struct iov_judge *judge, const struct iov_release *release)
{
	iov_auto(iov_free_ptr) char *key = key_of(release);
	return key && json_object_get(judge->verdicts, key);
}

int iov_judge_release(struct iov_ctx *ctx, struct iov_judge *judge, const struct iov_release *release,
		      const struct iov_lack **ret)
{
	struct iov_lack lack;
	*ret = NULL;
	iov_auto(iov_free_ptr) char *key = key_of(release);
	if (!key)
		return iov_oom(ctx);
	json_t *known = json_object_get(judge->verdicts, key);
	if (!known && (!release->object || !release->object->facts))
		return IOV_OK;
	int rc = known ? IOV_OK : find_out(ctx, judge, release, key, &known);
	if (rc || !known || !iov_lack_from_json(known, &lack))
		return rc;
	struct refused *refused = iov_arena_take(&judge->arena, sizeof(*refused));
	if (!refused)
		return iov_oom(ctx);
	*refused = (struct refused){.release = release, .lack = lack, .before = judge->last};
	judge->last = refused;
	*ret = &refused->lack;
	return IOV_OK;
}

const struct iov_release *iov_judge_refused(const struct iov_judge *judge, const char *name,
					    const struct iov_lack **ret)
{
	const struct refused *newest = NULL;
	for (const struct refused *one = judge->last; one; one = one->before) {
		const struct iov_manifest *manifest = one->release->manifest;
		if (!strcmp(manifest->name, name) &&
		    (!newest || iov_version_compare(&manifest->version, &newest->release->manifest->version) > 0))
			newest = one;
	}
	if (newest)
		*ret = &newest->lack;
	return newest ? newest->release : NULL;
}
