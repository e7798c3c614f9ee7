#include "registry/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "core/release.h"
#include "registry/host.h"
#include "registry/site_file.h"
#include "registry/submission.h"
#include "util/cleanup.h"
#include "util/fs.h"

#define AT_ONCE 256 /* files in memory at a time */
#define COMMIT_PATH ".iovpkg/commit"
#define NGINX_PATH ".iovpkg/nginx.conf"
#define LOCK_PATH ".iovpkg/lock"

struct site {
	const char *folder;
	struct iov_host host; /* what it is to show */
	struct iov_buf lines; /* what differs from what it shows, owns the paths */
	const char **made, **gone;
	size_t n_made, n_gone, n_archives;
};

static void site_release(struct site *site)
{
	iov_host_release(&site->host);
	iov_buf_release(&site->lines);
	free(site->made);
	free(site->gone);
}

static char *path_in(const struct site *site, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", site->folder, name) < 0 ? NULL : path;
}

static int cannot(struct iov_ctx *ctx, int err, const char *path)
{
	return iov_error_errno(ctx, err, "cannot write '%s'", path);
}

/* ---- what is to be done ---- */

/* What a reader finds must be there before he learns of it; the number is when. */
static int turn(const char *path)
{
	static const struct {
		const char *prefix;
		int turn;
	} turns[] = {
		{"index/", 1},	      {IOV_TOP_PATH, 3},	{"manifest/", 2},
		{"registry.yaml", 3}, {IOV_CHECKPOINT_PATH, 4}, {IOV_HEAD_PATH, 5},
	};
	for (size_t i = 0; i < IOV_COUNT(turns); i++)
		if (!strncmp(path, turns[i].prefix, strlen(turns[i].prefix)))
			return turns[i].turn;
	return 0;
}

static int by_turn(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	return turn(x) != turn(y) ? turn(x) - turn(y) : strcmp(x, y);
}

/* Nothing that hides, and nothing that leads out of the folder. */
static bool is_site_path(const char *path)
{
	return iov_is_archive_path(path) && *path != '.' && !strstr(path, "/.") && strncmp(path, "packages/", 9) != 0;
}

static int sort_out(struct iov_ctx *ctx, struct site *site)
{
	size_t lines = 1;
	for (size_t i = 0; i < site->lines.len; i++)
		lines += site->lines.data[i] == '\n';
	site->made = calloc(lines, sizeof(*site->made));
	site->gone = calloc(lines, sizeof(*site->gone));
	if (!site->made || !site->gone)
		return iov_oom(ctx);
	char *rest = site->lines.data;
	for (char *line; rest && (line = strsep(&rest, "\n"));) {
		if (!*line)
			continue;
		if (!is_site_path(line + 1))
			return iov_error(ctx, IOV_E_UNTRUSTED, "'%s' has a file '%.200s' that is none of a registry's",
					 site->host.path, line + 1);
		if (*line == '-')
			site->gone[site->n_gone++] = line + 1;
		else
			site->made[site->n_made++] = line + 1;
	}
	qsort(site->made, site->n_made, sizeof(*site->made), by_turn);
	return IOV_OK;
}

/* The folder is ours from the first writing on, also from one that was stopped. */
static int check_folder(struct iov_ctx *ctx, const struct site *site)
{
	char **names = NULL;
	size_t count = 0;
	bool ours = false;
	int err = iov_fs_names(site->folder, &names, &count);
	for (size_t i = 0; !err && i < count; i++)
		ours |= !strcmp(names[i], ".iovpkg");
	iov_fs_names_free(names, count);
	if (err && err != -ENOENT)
		return iov_error_errno(ctx, err, "cannot list '%s'", site->folder);
	if (!err && count && !ours)
		return iov_error(ctx, IOV_E_CONFLICT, "'%s' holds other files; name an empty or new folder",
				 site->folder);
	return IOV_OK;
}

/* The commit that the folder shows; "": none yet. */
static int shown(struct iov_ctx *ctx, const struct site *site, char ret[IOV_COMMIT_SIZE])
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *path = path_in(site, COMMIT_PATH);
	*ret = '\0';
	if (!path)
		return iov_oom(ctx);
	int err = iov_fs_read(path, IOV_COMMIT_SIZE - 1, &text);
	if (err == -ENOENT)
		return IOV_OK;
	if (err)
		return iov_error_errno(ctx, err, "cannot read '%s'", path);
	snprintf(ret, IOV_COMMIT_SIZE, "%s", text.data);
	return IOV_OK;
}

static int compare(struct iov_ctx *ctx, struct site *site)
{
	char from[IOV_COMMIT_SIZE];
	int rc = shown(ctx, site, from);
	if (rc)
		return rc;
	if (*from) {
		rc = iov_git_diff(ctx, site->host.path, from, site->host.commit, &site->lines);
		if (rc != IOV_E_NOT_FOUND)
			return rc ? rc : sort_out(ctx, site);
		iov_buf_release(&site->lines); /* its history was cut off: everything is written again */
	}
	rc = iov_git_diff(ctx, site->host.path, NULL, site->host.commit, &site->lines);
	return rc ? rc : sort_out(ctx, site);
}

/* ---- doing it ---- */

static int write_some(struct iov_ctx *ctx, const struct site *site, const char *const *names, size_t count)
{
	struct iov_buf texts[AT_ONCE] = {{0}};
	struct iov_source source = iov_host_source(&site->host);
	int rc = source.read(ctx, &source, names, count, IOV_INDEX_MAX, texts);
	for (size_t i = 0; !rc && i < count; i++)
		rc = texts[i].data ? iov_site_put(ctx, site->folder, names[i], &texts[i])
				   : iov_error(ctx, IOV_E_IO, "'%s' lost '%s'", site->host.path, names[i]);
	iov_bufs_release(texts, count);
	return rc;
}

/* All but the head, which sorts last. */
static int write_files(struct iov_ctx *ctx, const struct site *site, size_t count)
{
	int rc = IOV_OK;
	for (size_t at = 0; !rc && at < count; at += AT_ONCE) {
		size_t some = count - at < AT_ONCE ? count - at : AT_ONCE;
		rc = write_some(ctx, site, site->made + at, some);
		iov_progress(ctx, "writing", site->folder, at + some, count);
	}
	return rc;
}

static int sync_all(struct iov_ctx *ctx, const struct site *site)
{
	iov_auto(iov_close_fd) int fd = open(site->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd))
		return iov_error_errno(ctx, errno, "cannot sync '%s'", site->folder);
	return IOV_OK;
}

static int write_tree(struct iov_ctx *ctx, const struct site *site)
{
	iov_auto(iov_buf_release) struct iov_buf head = {0};
	struct iov_source source = iov_host_source(&site->host);
	bool has_head = site->n_made && !strcmp(site->made[site->n_made - 1], IOV_HEAD_PATH);
	int rc = write_files(ctx, site, site->n_made - has_head);
	if (!rc && (has_head || site->n_archives))
		rc = sync_all(ctx, site);
	if (!rc && has_head)
		rc = iov_source_read(ctx, &source, IOV_HEAD_PATH, IOV_HEAD_MAX, &head);
	return !rc && has_head ? iov_site_put_head(ctx, site->folder, &head) : rc;
}

/* Folders stay: the next file of their kind needs them. */
static int remove_gone(struct iov_ctx *ctx, const struct site *site)
{
	for (size_t i = 0; i < site->n_gone; i++) {
		iov_auto(iov_free_ptr) char *path = path_in(site, site->gone[i]);
		if (!path)
			return iov_oom(ctx);
		if (unlink(path) && errno != ENOENT)
			return iov_error_errno(ctx, errno, "cannot remove '%s'", path);
	}
	return IOV_OK;
}

/* ---- archives ---- */

static int write_archive(struct iov_ctx *ctx, struct site *site, const char *sha256, const char *commit)
{
	bool new = false;
	int rc = iov_site_put_archive(ctx, site->folder, site->host.path, commit, sha256, &new);
	site->n_archives += !rc && new;
	return rc;
}

static int write_archives(struct iov_ctx *ctx, struct site *site)
{
	iov_auto(iov_buf_release) struct iov_buf refs = {0};
	int rc = iov_git_refs(ctx, site->host.path, IOV_PACKAGE_REFS, &refs);
	char *rest = refs.data;
	for (char *line; !rc && rest && (line = strsep(&rest, "\n"));) {
		char *sha256 = line + strlen(IOV_PACKAGE_REFS), *commit = strchr(line, ' ');
		if (!commit)
			continue;
		*commit++ = '\0';
		if (iov_is_sha256_hex(sha256))
			rc = write_archive(ctx, site, sha256, commit);
	}
	return rc;
}

/* ---- all of it ---- */

static int write_nginx(struct iov_ctx *ctx, const struct site *site)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_free_ptr) char *path = path_in(site, NGINX_PATH);
	if (!path)
		return iov_oom(ctx);
	if (iov_fs_exists(path))
		return IOV_OK;
	int rc = iov_site_nginx(ctx, site->folder, site->host.root->origin, &text);
	int err = rc ? 0 : iov_fs_replace(path, text.data, text.len, 0644);
	return err ? cannot(ctx, err, path) : rc;
}

static int write_commit(struct iov_ctx *ctx, const struct site *site)
{
	iov_auto(iov_free_ptr) char *path = path_in(site, COMMIT_PATH);
	if (!path)
		return iov_oom(ctx);
	int err = iov_fs_replace(path, site->host.commit, strlen(site->host.commit), 0644);
	return err ? cannot(ctx, err, path) : IOV_OK;
}

static int lock(struct iov_ctx *ctx, const struct site *site, int *ret_fd)
{
	iov_auto(iov_free_ptr) char *path = path_in(site, LOCK_PATH);
	if (!path)
		return iov_oom(ctx);
	int err = iov_fs_mkdirs_for(path, 0755);
	iov_auto(iov_close_fd) int fd = err ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (err || fd < 0 || flock(fd, LOCK_EX))
		return iov_error_errno(ctx, err ? err : errno, "cannot lock '%s'", path);
	*ret_fd = iov_take_fd(&fd);
	return IOV_OK;
}

static int describe(struct iov_ctx *ctx, const struct site *site, json_t **ret)
{
	iov_auto(iov_free_ptr) char *nginx = path_in(site, NGINX_PATH);
	if (!nginx)
		return iov_oom(ctx);
	*ret = json_pack("{s:I, s:s, s:s, s:I, s:s, s:I, s:I}", "archives", (json_int_t)site->n_archives, "commit",
			 site->host.commit, "folder", site->folder, "head", (json_int_t)site->host.head.version,
			 "nginx", nginx, "removed", (json_int_t)site->n_gone, "written", (json_int_t)site->n_made);
	return *ret ? IOV_OK : iov_oom(ctx);
}

int iov_site_write(struct iov_ctx *ctx, const char *repo, const char *folder, json_t **ret)
{
	iov_auto(iov_close_fd) int fd = -1;
	iov_auto(site_release) struct site site = {.folder = folder};
	int rc = check_folder(ctx, &site);
	if (!rc)
		rc = lock(ctx, &site, &fd);
	if (!rc)
		rc = iov_host_open(ctx, repo, &site.host);
	if (!rc)
		rc = compare(ctx, &site);
	if (!rc)
		rc = write_archives(ctx, &site);
	if (!rc)
		rc = write_tree(ctx, &site);
	if (!rc)
		rc = remove_gone(ctx, &site);
	if (!rc)
		rc = write_nginx(ctx, &site);
	if (!rc)
		rc = write_commit(ctx, &site);
	return rc ? rc : describe(ctx, &site, ret);
}
