#include "transaction/own.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/manifest.h"
#include "util/buf.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define MARK "generation_"

static const char *const kinds[] = {"progs", "maps", "links", "slots", "runs", "base"};

static const char *const tops[] = {"live", "staging", "index"};

static bool is_among(const char *const *words, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i], name))
			return true;
	return false;
}

bool iov_own_is_top(const char *name)
{
	return is_among(tops, IOV_COUNT(tops), name);
}

bool iov_own_is_kind(const char *name)
{
	return is_among(kinds, IOV_COUNT(kinds), name);
}

bool iov_own_is_mark(const char *name)
{
	size_t len = strlen(MARK);
	return !strncmp(name, MARK, len) && name[len] && strspn(name + len, "0123456789") == strlen(name + len);
}

static bool is_folder(const char *path)
{
	struct stat st;
	return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

struct folder {
	char **names;
	size_t count;
};

static void release_folder(struct folder *folder)
{
	iov_fs_names_free(folder->names, folder->count);
}

/* Has an instance's folder at least one folder of pins? */
static bool has_kind(const char *dir)
{
	for (size_t i = 0; i < IOV_COUNT(kinds); i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", dir, kinds[i]);
		if (!iov_buf_failed(&path) && is_folder(path.data))
			return true;
	}
	return false;
}

/* Folders of ours: a tree, an instance, base with a folder for each map in migration, pins. And what is none. */
enum level { TREE, INSTANCE, MAPS, PINS, OURS, FOREIGN };

static enum level level_of_kind(const char *kind)
{
	return !strcmp(kind, "base") ? MAPS : PINS;
}

/* What is `path` of a folder of that level: a folder of the next, a pin or mark of ours, or foreign? */
static enum level level_below(enum level level, const char *name, const char *path)
{
	switch (level) {
	case TREE:
		if (iov_own_is_mark(name) && is_folder(path))
			return OURS;
		return iov_is_name(name) && has_kind(path) ? INSTANCE : FOREIGN;
	case INSTANCE:
		return iov_own_is_kind(name) && is_folder(path) ? level_of_kind(name) : FOREIGN;
	case MAPS:
		return is_folder(path) ? PINS : OURS;
	default:
		return is_folder(path) ? FOREIGN : OURS;
	}
}

/* Is it a folder with nothing foreign in it? */
static bool is_ours(const char *dir, enum level level)
{
	iov_auto(release_folder) struct folder folder = {0};
	if (!is_folder(dir) || iov_fs_names(dir, &folder.names, &folder.count))
		return false;
	for (size_t i = 0; i < folder.count; i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", dir, folder.names[i]);
		if (iov_buf_failed(&path))
			return false;
		enum level below = level_below(level, folder.names[i], path.data);
		if (below == FOREIGN || (below != OURS && !is_ours(path.data, below)))
			return false;
	}
	return true;
}

bool iov_own_is_instance(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	return iov_is_name(slash ? slash + 1 : dir) && has_kind(dir) && is_ours(dir, INSTANCE);
}

typedef int (*each_foreign)(struct iov_ctx *ctx, const char *path, void *data);

static int visit(struct iov_ctx *ctx, const char *dir, enum level level, each_foreign each, void *data)
{
	iov_auto(release_folder) struct folder folder = {0};
	int rc = iov_fs_names(dir, &folder.names, &folder.count);
	if (rc == -ENOENT && level == TREE)
		return IOV_OK;
	if (rc)
		return iov_error_errno(ctx, rc, "cannot list the pins in '%s'", dir);
	for (size_t i = 0; !rc && i < folder.count; i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", dir, folder.names[i]);
		if (iov_buf_failed(&path))
			return iov_oom(ctx);
		enum level below = level_below(level, folder.names[i], path.data);
		if (below == FOREIGN)
			rc = each(ctx, path.data, data);
		else if (below != OURS)
			rc = visit(ctx, path.data, below, each, data);
	}
	return rc;
}

int iov_own_each_foreign(struct iov_ctx *ctx, const char *tree, each_foreign each, void *data)
{
	return visit(ctx, tree, TREE, each, data);
}

/* ---- removing ---- */

struct removal {
	struct iov_engine *engine;
	enum iov_tree tree;
	size_t n_foreign;
};

/* A pin that has the same place in live already is one that was adopted with an unchanged instance. */
static int move_to_live(struct iov_ctx *ctx, const char *path, void *data)
{
	struct removal *removal = data;
	iov_auto(iov_free_ptr) char *from = iov_tree_path(ctx, removal->tree);
	iov_auto(iov_free_ptr) char *live = iov_tree_path(ctx, IOV_TREE_LIVE);
	iov_auto(iov_buf_release) struct iov_buf target = {0};
	removal->n_foreign++;
	if (removal->tree == IOV_TREE_LIVE)
		return IOV_OK;
	if (!from || !live)
		return iov_oom(ctx);
	iov_buf_printf(&target, "%s%s", live, path + strlen(from));
	if (iov_buf_failed(&target))
		return iov_oom(ctx);
	if (iov_fs_exists(target.data))
		return IOV_OK;
	int rc = iov_fs_mkdirs_for(target.data, 0700);
	if (!rc && rename(path, target.data))
		rc = -errno;
	return rc ? iov_error_errno(ctx, rc, "cannot move '%s', which is not ours, to '%s'", path, target.data)
		  : IOV_OK;
}

static int remove_kinds(struct iov_engine *engine, const char *dir)
{
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < IOV_COUNT(kinds); i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", dir, kinds[i]);
		if (iov_buf_failed(&path))
			return iov_oom(engine->ctx);
		if (is_ours(path.data, level_of_kind(kinds[i])))
			rc = engine->ops->remove_tree(engine, path.data);
	}
	return rc;
}

/* A tree with something in it that is not ours: what is ours goes by its name, and folders that are empty then. */
static int remove_ours(struct iov_engine *engine, const char *tree)
{
	iov_auto(release_folder) struct folder folder = {0};
	int rc = iov_fs_names(tree, &folder.names, &folder.count);
	if (rc)
		return iov_error_errno(engine->ctx, rc, "cannot list the pins in '%s'", tree);
	for (size_t i = 0; !rc && i < folder.count; i++) {
		iov_auto(iov_buf_release) struct iov_buf path = {0};
		iov_buf_printf(&path, "%s/%s", tree, folder.names[i]);
		if (iov_buf_failed(&path))
			return iov_oom(engine->ctx);
		if (iov_own_is_mark(folder.names[i]) || iov_own_is_instance(path.data))
			rc = engine->ops->remove_tree(engine, path.data);
		else if (iov_is_name(folder.names[i]) && has_kind(path.data))
			rc = remove_kinds(engine, path.data);
	}
	return rc;
}

int iov_own_remove_tree(struct iov_engine *engine, enum iov_tree tree)
{
	struct removal removal = {.engine = engine, .tree = tree};
	iov_auto(iov_free_ptr) char *path = iov_tree_path(engine->ctx, tree);
	if (!path)
		return iov_oom(engine->ctx);
	if (!iov_tree_exists(engine->ctx, tree))
		return IOV_OK;
	int rc = iov_own_each_foreign(engine->ctx, path, move_to_live, &removal);
	if (rc)
		return rc;
	return removal.n_foreign && tree == IOV_TREE_LIVE ? remove_ours(engine, path)
							  : engine->ops->remove_tree(engine, path);
}
