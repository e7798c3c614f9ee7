/* gc: what no kept generation needs. The list is made first; --dry-run ends there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "build/vmlinux.h"
#include "check/kernel.h"
#include "engine/btf_cache.h"
#include "ops/edit.h"
#include "state/generations.h"
#include "state/record.h"
#include "store/store.h"
#include "util/cleanup.h"
#include "util/fs.h"

/* One thing that goes. */
struct piece {
	const char *kind;
	char *name, *path;
	uint64_t bytes; /* on the disk */
	struct iov_garbage garbage;
};

struct pieces {
	struct piece *items;
	size_t count;
};

static void release_pieces(struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++) {
		free(pieces->items[i].name);
		free(pieces->items[i].path);
	}
	free(pieces->items);
}

struct names {
	char **items;
	size_t count;
};

static void release_names(struct names *names)
{
	iov_fs_names_free(names->items, names->count);
}

/* Names in a folder; none where it is not there. */
static int list(struct iov_ctx *ctx, const char *path, struct names *ret)
{
	int rc = iov_fs_names(path, &ret->items, &ret->count);
	return rc && rc != -ENOENT ? iov_error_errno(ctx, rc, "cannot read the folder '%s'", path) : IOV_OK;
}

/* What the disk gives for a file or everything below a folder. */
static uint64_t bytes_of(const char *path)
{
	struct stat st;
	struct names names = {0};
	uint64_t bytes = 0;
	if (lstat(path, &st))
		return 0;
	bytes = (uint64_t)st.st_blocks * 512;
	if (S_ISDIR(st.st_mode) && !iov_fs_names(path, &names.items, &names.count))
		for (size_t i = 0; i < names.count; i++) {
			iov_auto(iov_free_ptr) char *below = NULL;
			if (asprintf(&below, "%s/%s", path, names.items[i]) > 0)
				bytes += bytes_of(below);
		}
	release_names(&names);
	return bytes;
}

/* Takes `path` over. */
static int add(struct iov_ctx *ctx, struct pieces *pieces, const char *kind, const char *name, char *path)
{
	struct piece *items = path ? realloc(pieces->items, (pieces->count + 1) * sizeof(*items)) : NULL;
	char *copy = items ? strdup(name) : NULL;
	if (items)
		pieces->items = items;
	if (!copy) {
		free(path);
		return iov_oom(ctx);
	}
	items[pieces->count++] = (struct piece){.kind = kind, .name = copy, .path = path, .bytes = bytes_of(path)};
	return IOV_OK;
}

/* ---- generations and the store ---- */

static int add_garbage(struct iov_ctx *ctx, const struct iov_garbage *garbage, void *data)
{
	struct pieces *pieces = data;
	char number[32];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)garbage->generation);
	int rc = garbage->entry
			 ? add(ctx, pieces, "release", garbage->entry, iov_store_dir(ctx, garbage->entry))
			 : add(ctx, pieces, "generation", number, iov_path(ctx, IOV_STATE "/generations/%s", number));
	if (!rc)
		pieces->items[pieces->count - 1].garbage =
			(struct iov_garbage){.generation = garbage->generation,
					     .entry = garbage->entry ? pieces->items[pieces->count - 1].name : NULL};
	return rc;
}

/* ---- caches: all of them can be made again ---- */

/* An archive is kept as long as the store keeps what was unpacked of it. */
static int add_archives(struct iov_ctx *ctx, struct pieces *pieces)
{
	static const char folder[] = IOV_CACHE "/archives";
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, "%s", folder);
	iov_auto(release_names) struct names names = {0};
	size_t n_garbage = pieces->count;
	int rc = path ? list(ctx, path, &names) : iov_oom(ctx);
	for (size_t i = 0; !rc && i < names.count; i++) {
		char key[IOV_HEX_SIZE] = "";
		bool goes = true;
		snprintf(key, sizeof(key), "%s", names.items[i]);
		bool whole = strlen(names.items[i]) > strlen(key) && !strcmp(names.items[i] + strlen(key), ".iov");
		if (whole && iov_store_has(ctx, key))
			goes = false;
		for (size_t k = 0; k < n_garbage && !goes; k++)
			goes = pieces->items[k].garbage.entry && !strcmp(pieces->items[k].name, key);
		if (goes)
			rc = add(ctx, pieces, "archive", names.items[i],
				 iov_path(ctx, "%s/%s", folder, names.items[i]));
	}
	return rc;
}

/* Everything in a folder of the cache but one name. */
static int add_others(struct iov_ctx *ctx, struct pieces *pieces, const char *kind, const char *folder,
		      const char *mine)
{
	iov_auto(iov_free_ptr) char *path = iov_path(ctx, IOV_CACHE "/%s", folder);
	iov_auto(release_names) struct names names = {0};
	int rc = path ? list(ctx, path, &names) : iov_oom(ctx);
	for (size_t i = 0; !rc && i < names.count; i++)
		if (strcmp(names.items[i], mine) != 0)
			rc = add(ctx, pieces, kind, names.items[i],
				 iov_path(ctx, IOV_CACHE "/%s/%s", folder, names.items[i]));
	return rc;
}

/* A kernel without BTF has none of them. */
static int add_kernels(struct iov_ctx *ctx, struct pieces *pieces)
{
	char kernel[IOV_HEX_SIZE] = "";
	iov_auto(iov_free_ptr) char *header = NULL;
	if (iov_kernel_build(kernel))
		kernel[IOV_KERNEL_BUILD_DIGITS] = '\0';
	int rc = add_others(ctx, pieces, "kernel", "btf", kernel);
	if (!rc)
		rc = add_others(ctx, pieces, "kernel", "proofs", kernel);
	if (!rc)
		rc = add_others(ctx, pieces, "kernel", "facts", kernel);
	if (!rc)
		rc = add_others(ctx, pieces, "kernel", "verdicts", kernel);
	if (!rc && iov_vmlinux_cached(ctx, &header) && ctx->code != IOV_E_UNSUPPORTED)
		rc = ctx->code;
	return rc ? rc : add_others(ctx, pieces, "kernel", "vmlinux", header ? header : "");
}

/* ---- */

static int remove_all(struct iov_ctx *ctx, const struct pieces *pieces)
{
	for (size_t i = 0; i < pieces->count; i++) {
		const struct piece *one = &pieces->items[i];
		bool recorded = one->garbage.entry || one->garbage.generation;
		int err = recorded ? 0 : iov_fs_rmtree(one->path);
		int rc = recorded ? iov_garbage_remove(ctx, &one->garbage) : IOV_OK;
		if (err)
			return iov_error_errno(ctx, err, "cannot remove '%s'", one->path);
		if (rc)
			return rc;
	}
	return IOV_OK;
}

static json_t *pieces_json(const struct pieces *pieces)
{
	json_t *removed = json_array();
	uint64_t bytes = 0;
	for (size_t i = 0; i < pieces->count; i++) {
		const struct piece *one = &pieces->items[i];
		bytes += one->bytes;
		json_array_append_new(removed, json_pack("{s:s, s:s, s:I}", "kind", one->kind, "name", one->name,
							 "bytes", (json_int_t)one->bytes));
	}
	return json_pack("{s:I, s:o}", "bytes", (json_int_t)bytes, "removed", removed);
}

int iov_gc(struct iov_ctx *ctx, uint64_t keep, unsigned flags, char **ret_json)
{
	iov_auto(iov_edit_release) struct iov_edit edit = {.lock = -1};
	iov_auto(release_pieces) struct pieces pieces = {0};
	int rc = iov_edit_begin(ctx, flags, &edit);
	if (!rc)
		rc = iov_generation_garbage(ctx, keep ? keep : IOV_GENERATIONS_KEPT, add_garbage, &pieces);
	if (!rc)
		rc = add_archives(ctx, &pieces);
	if (!rc)
		rc = add_kernels(ctx, &pieces);
	if (!rc && !(flags & IOV_DRY_RUN))
		rc = remove_all(ctx, &pieces);
	return rc ? rc : iov_answer(ctx, pieces_json(&pieces), ret_json);
}
