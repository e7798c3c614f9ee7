#include "pack/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/fs.h"

#define DEPTH_MAX 32 /* folders below a folder of sources */

/* Files at the top that travel for the reader, with anything after the stem: README.md, LICENSE-MIT. */
static const char *const documents[] = {"README", "LICENSE", "LICENCE", "COPYING", "CHANGELOG"};

struct collecting {
	struct iov_ctx *ctx;
	const char *dir;
	const struct iov_manifest *manifest;
	struct iov_collection *files;
};

void iov_collection_release(struct iov_collection *collection)
{
	for (size_t i = 0; i < collection->count; i++) {
		free((char *)collection->entries[i].path);
		free((char *)collection->entries[i].source);
	}
	free(collection->entries);
	*collection = (struct iov_collection){0};
}

/* "dir/path"; the folder itself for "". */
static char *below(const char *dir, const char *path)
{
	struct iov_buf whole = {0};
	iov_buf_printf(&whole, "%s%s%s", dir, *path ? "/" : "", path);
	return iov_buf_take(&whole);
}

static int append(struct iov_ctx *ctx, struct iov_collection *files, const char *path, const char *source)
{
	struct iov_pack_entry *entries = reallocarray(files->entries, files->count + 1, sizeof(*entries));
	if (!entries)
		return iov_oom(ctx);
	files->entries = entries;
	entries[files->count++] = (struct iov_pack_entry){strdup(path), strdup(source)};
	return entries[files->count - 1].path && entries[files->count - 1].source ? IOV_OK : iov_oom(ctx);
}

static int is_link(struct iov_ctx *ctx, const char *source)
{
	return iov_error(ctx, IOV_E_INPUT,
			 "'%s' is a symbolic link; an archive holds plain files only, so put the file itself there",
			 source);
}

static int check_limits(struct collecting *in, const char *source)
{
	const struct iov_collection *files = in->files;
	if (files->count > IOV_FILES_MAX)
		return iov_error(in->ctx, IOV_E_INPUT,
				 "module '%s' has more than the %d files that an archive may hold", in->manifest->name,
				 IOV_FILES_MAX);
	if (files->size > IOV_UNPACKED_MAX)
		return iov_error(in->ctx, IOV_E_INPUT,
				 "module '%s' has more than the %u MiB that an archive may hold, with '%s'",
				 in->manifest->name, IOV_UNPACKED_MAX >> 20, source);
	return IOV_OK;
}

/* Adds one file, whose `st` is of lstat(). */
static int add_file(struct collecting *in, const char *path, const char *source, const struct stat *st)
{
	if (S_ISLNK(st->st_mode))
		return is_link(in->ctx, source);
	if (!S_ISREG(st->st_mode))
		return iov_error(in->ctx, IOV_E_INPUT, "'%s' is not a plain file", source);
	if (!iov_is_archive_path(path))
		return iov_error(in->ctx, IOV_E_INPUT,
				 "'%s' cannot be packed; use plain ASCII names and at most %d bytes", source,
				 IOV_PATH_MAX);
	int rc = append(in->ctx, in->files, path, source);
	in->files->size += (uint64_t)st->st_size;
	return rc ? rc : check_limits(in, source);
}

/* ---- what the manifest names ------------------------------------------------------------------------------------ */

/* A folder on the way that is a link would bring in what is not the module's. */
static int refuse_links_above(struct collecting *in, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		struct stat st;
		iov_auto(iov_free_ptr) char *part = strndup(path, (size_t)(slash - path));
		iov_auto(iov_free_ptr) char *source = part ? below(in->dir, part) : NULL;
		if (!source)
			return iov_oom(in->ctx);
		if (lstat(source, &st) == 0 && S_ISLNK(st.st_mode))
			return is_link(in->ctx, source);
	}
	return IOV_OK;
}

static int add_named(struct collecting *in, const char *path, const char *remedy)
{
	struct stat st;
	iov_auto(iov_free_ptr) char *source = below(in->dir, path);
	if (!source)
		return iov_oom(in->ctx);
	int rc = refuse_links_above(in, path);
	if (rc)
		return rc;
	if (lstat(source, &st) && (errno == ENOENT || errno == ENOTDIR))
		return iov_error(in->ctx, IOV_E_INPUT, "'%s' of module '%s' is not in '%s'; %s", path,
				 in->manifest->name, in->dir, remedy);
	if (lstat(source, &st))
		return iov_error_errno(in->ctx, errno, "cannot read '%s'", source);
	return add_file(in, path, source, &st);
}

static int add_sources(struct collecting *in)
{
	int rc = IOV_OK;
	for (size_t i = 0; i < in->manifest->n_sources && !rc; i++) {
		const char *path = in->manifest->sources[i];
		if (!iov_is_archive_path(path))
			return iov_error(in->ctx, IOV_E_INPUT,
					 "source '%s' of module '%s' is not inside the module; move it there", path,
					 in->manifest->name);
		rc = add_named(in, path, "write it, or correct 'build.sources' in " IOV_MANIFEST_FILE);
	}
	return rc;
}

/* ---- what lies in the folders ----------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);
	return len >= end_len && !strcmp(text + len - end_len, end);
}

static bool is_document(const char *name)
{
	for (size_t i = 0; i < IOV_COUNT(documents); i++)
		if (!strncmp(name, documents[i], strlen(documents[i])))
			return true;
	return false;
}

static int add_headers(struct collecting *in, const char *folder, int depth);

/* Whether a link would bring a folder in, whose headers would silently be missing. */
static bool leads_to_folder(const char *source)
{
	struct stat st;
	return stat(source, &st) == 0 && S_ISDIR(st.st_mode);
}

/* One name in a folder of sources: a header, a folder to look into, or nothing of ours. */
static int add_header(struct collecting *in, const char *folder, const char *name, int depth)
{
	struct stat st;
	iov_auto(iov_free_ptr) char *path = *folder ? below(folder, name) : strdup(name);
	iov_auto(iov_free_ptr) char *source = path ? below(in->dir, path) : NULL;
	if (!source)
		return iov_oom(in->ctx);
	if (lstat(source, &st))
		return iov_error_errno(in->ctx, errno, "cannot read '%s'", source);
	if (S_ISDIR(st.st_mode))
		return add_headers(in, path, depth + 1);
	if (S_ISLNK(st.st_mode) && leads_to_folder(source))
		return is_link(in->ctx, source);
	return ends_with(name, ".h") ? add_file(in, path, source, &st) : IOV_OK;
}

/* The module's own tests are for its author; names with a dot in front (.git) are nobody's sources. */
static bool is_left_out(const char *folder, const char *name)
{
	return name[0] == '.' || (!*folder && !strcmp(name, "tests"));
}

static int add_headers(struct collecting *in, const char *folder, int depth)
{
	char **names;
	size_t count;
	iov_auto(iov_free_ptr) char *path = below(in->dir, folder);
	if (!path)
		return iov_oom(in->ctx);
	if (depth > DEPTH_MAX)
		return iov_error(in->ctx, IOV_E_INPUT, "'%s' is nested too deeply; %d folders are allowed", path,
				 DEPTH_MAX);
	int rc = iov_fs_names(path, &names, &count);
	if (rc)
		return iov_error_errno(in->ctx, rc, "cannot read the folder '%s'", path);
	for (size_t i = 0; i < count && !rc; i++)
		if (!is_left_out(folder, names[i]))
			rc = add_header(in, folder, names[i], depth);
	iov_fs_names_free(names, count);
	return rc;
}

static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) : 0;
}

/* Whether walking the folder of `other` meets the folder of `path` too; of two in the same folder, the first walks. */
static bool is_covered_by(const char *path, const char *other, bool other_is_first)
{
	size_t len = folder_len(path), other_len = folder_len(other);
	if (strncmp(path, other, other_len) != 0)
		return false;
	if (len == other_len)
		return other_is_first;
	return other_len < len && (other_len == 0 || path[other_len] == '/');
}

static bool is_covered(const struct iov_manifest *manifest, size_t source)
{
	for (size_t i = 0; i < manifest->n_sources; i++)
		if (i != source && is_covered_by(manifest->sources[source], manifest->sources[i], i < source))
			return true;
	return false;
}

static int add_headers_of_sources(struct collecting *in)
{
	const char **sources = in->manifest->sources;
	int rc = IOV_OK;
	for (size_t i = 0; i < in->manifest->n_sources && !rc; i++) {
		if (is_covered(in->manifest, i))
			continue;
		iov_auto(iov_free_ptr) char *folder = strndup(sources[i], folder_len(sources[i]));
		rc = folder ? add_headers(in, folder, 0) : iov_oom(in->ctx);
	}
	return rc;
}

static int add_document(struct collecting *in, const char *name)
{
	struct stat st;
	iov_auto(iov_free_ptr) char *source = below(in->dir, name);
	if (!source)
		return iov_oom(in->ctx);
	if (lstat(source, &st))
		return iov_error_errno(in->ctx, errno, "cannot read '%s'", source);
	return S_ISDIR(st.st_mode) ? IOV_OK : add_file(in, name, source, &st);
}

static int add_documents(struct collecting *in)
{
	char **names;
	size_t count;
	int rc = iov_fs_names(in->dir, &names, &count);
	if (rc)
		return iov_error_errno(in->ctx, rc, "cannot read the folder '%s'", in->dir);
	for (size_t i = 0; i < count && !rc; i++)
		if (is_document(names[i]))
			rc = add_document(in, names[i]);
	iov_fs_names_free(names, count);
	return rc;
}

static int add_object(struct collecting *in, const char *object)
{
	struct stat st;
	if (!object)
		return IOV_OK;
	iov_auto(iov_free_ptr) char *path = iov_object_path_for(in->manifest->name);
	if (!path)
		return iov_oom(in->ctx);
	if (lstat(object, &st))
		return iov_error_errno(in->ctx, errno, "cannot read the object '%s'", object);
	return add_file(in, path, object, &st);
}

/* ---- together --------------------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct iov_pack_entry *)a)->path, ((const struct iov_pack_entry *)b)->path);
}

/* Sorted, and each once: a header may be named as a source, too. */
static void sort_once(struct iov_collection *files)
{
	struct iov_pack_entry *entries = files->entries;
	size_t kept = 0;
	if (files->count)
		qsort(entries, files->count, sizeof(*entries), by_path);
	for (size_t i = 0; i < files->count; i++) {
		if (kept && !strcmp(entries[kept - 1].path, entries[i].path)) {
			free((char *)entries[i].path);
			free((char *)entries[i].source);
		} else {
			entries[kept++] = entries[i];
		}
	}
	files->count = kept;
}

int iov_collect(struct iov_ctx *ctx, const char *dir, const struct iov_manifest *manifest, const char *object,
		struct iov_collection *ret)
{
	iov_auto(iov_collection_release) struct iov_collection files = {0};
	struct collecting in = {.ctx = ctx, .dir = dir, .manifest = manifest, .files = &files};
	int rc = add_named(&in, IOV_MANIFEST_FILE, "every module has one at its top");
	rc = rc ? rc : add_sources(&in);
	rc = rc ? rc : add_headers_of_sources(&in);
	rc = rc ? rc : add_documents(&in);
	rc = rc ? rc : add_object(&in, object);
	if (rc)
		return rc;
	sort_once(&files);
	*ret = files;
	files = (struct iov_collection){0};
	return IOV_OK;
}
