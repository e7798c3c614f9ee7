#include "registry/host.h"

#include <stdio.h>
#include <string.h>

#include "registry/clock.h"
#include "registry/log.h"
#include "util/cleanup.h"

void iov_host_release(struct iov_host *host)
{
	free(host->path);
	iov_root_free(host->root);
	iov_listing_release(&host->top);
	iov_recent_release(&host->recent);
	*host = (struct iov_host){0};
}

struct iov_source iov_host_source(const struct iov_host *host)
{
	return iov_source_git(host->path, host->commit);
}

/* What is read with one question; roots beyond these are asked for one by one. */
enum file { FILE_HEAD, FILE_TOP, FILE_RECENT, FILE_ROOTS, FILE_COUNT = FILE_ROOTS + 4 };

static int add_root(struct iov_ctx *ctx, struct iov_host *host, const struct iov_buf *note)
{
	char path[IOV_ROOT_PATH_MAX];
	struct iov_root *root = NULL;
	iov_root_path(host->root ? host->root->version + 1 : 1, path);
	int rc = iov_root_parse(ctx, path, note->data, note->len, &root);
	if (!rc && host->root)
		rc = iov_root_check_next(ctx, path, host->root, root);
	if (rc) {
		iov_root_free(root);
		return rc;
	}
	iov_root_free(host->root);
	host->root = root;
	return IOV_OK;
}

/* The newest root; clients check the chain from their pin on, the host only that its own is in order. */
static int follow_roots(struct iov_ctx *ctx, struct iov_host *host, const struct iov_buf *files)
{
	struct iov_source source = iov_host_source(host);
	int rc = IOV_OK;
	size_t i;
	for (i = FILE_ROOTS; !rc && i < FILE_COUNT && files[i].data; i++)
		rc = add_root(ctx, host, &files[i]);
	for (bool more = i == FILE_COUNT; more && !rc;) {
		char path[IOV_ROOT_PATH_MAX];
		const char *paths = path;
		iov_auto(iov_buf_release) struct iov_buf note = {0};
		iov_root_path(host->root->version + 1, path);
		rc = source.read(ctx, &source, &paths, 1, IOV_NOTE_MAX, &note);
		more = note.data != NULL;
		if (!rc && more)
			rc = add_root(ctx, host, &note);
	}
	return rc;
}

static int check_top(struct iov_ctx *ctx, const struct iov_host *host, const struct iov_buf *top)
{
	struct iov_listed expected = {.size = host->head.manifest_size};
	memcpy(expected.sha256, host->head.manifest, IOV_HEX_SIZE);
	if (iov_listed_is(&expected, top->data, top->len))
		return IOV_OK;
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "'" IOV_TOP_PATH
			 "' of '%s' is not what its head names; somebody changed it by hand, restore branch 'main'",
			 host->path);
}

static int take_recent(struct iov_ctx *ctx, struct iov_host *host, const struct iov_buf *list)
{
	if (!list->data || !iov_recent_parse(ctx, "'" IOV_RECENT_PATH "'", list->data, list->len, &host->recent))
		return IOV_OK;
	if (iov_error_code(ctx) != IOV_E_UNTRUSTED)
		return iov_error_code(ctx);
	return iov_error(ctx, IOV_E_UNTRUSTED, "%s in '%s'; somebody changed it by hand, restore branch 'main'",
			 iov_error_text(ctx), host->path);
}

static int take_files(struct iov_ctx *ctx, struct iov_host *host, const struct iov_buf *files)
{
	const struct iov_buf *head = &files[FILE_HEAD], *top = &files[FILE_TOP];
	if (!head->data || !top->data || !files[FILE_ROOTS].data)
		return iov_error(ctx, IOV_E_NOT_FOUND,
				 "'%s' is a repository, but no registry; make one with 'iovpkg registry init'",
				 host->path);
	int rc = follow_roots(ctx, host, files);
	if (!rc)
		rc = iov_head_parse(ctx, host->root->origin, head->data, head->len, host->root, &host->head);
	if (!rc)
		rc = check_top(ctx, host, top);
	if (!rc)
		rc = take_recent(ctx, host, &files[FILE_RECENT]);
	return rc ? rc : iov_listing_parse(ctx, IOV_TOP_PATH, top->data, top->len, &host->top);
}

static int read_state(struct iov_ctx *ctx, struct iov_host *host)
{
	struct iov_source source = iov_host_source(host);
	struct iov_buf files[FILE_COUNT] = {{0}};
	char roots[FILE_COUNT][IOV_ROOT_PATH_MAX];
	const char *paths[FILE_COUNT] = {IOV_HEAD_PATH, IOV_TOP_PATH, IOV_RECENT_PATH};
	for (size_t i = FILE_ROOTS; i < FILE_COUNT; i++) {
		iov_root_path(1 + i - FILE_ROOTS, roots[i]);
		paths[i] = roots[i];
	}
	int rc = source.read(ctx, &source, paths, FILE_COUNT, IOV_LISTING_MAX, files);
	if (!rc)
		rc = take_files(ctx, host, files);
	iov_bufs_release(files, FILE_COUNT);
	return rc;
}

int iov_host_open_at(struct iov_ctx *ctx, const char *path, const char *commit, struct iov_host *ret)
{
	iov_auto(iov_host_release) struct iov_host host = {.path = strdup(path)};
	if (!host.path)
		return iov_oom(ctx);
	int rc = iov_git_resolve(ctx, path, IOV_MAIN_REF, host.parent);
	if (rc == IOV_E_NOT_FOUND)
		return iov_error(ctx, rc,
				 "'%s' is no registry: it has no branch 'main'; make one with 'iovpkg registry init'",
				 path);
	if (rc)
		return rc;
	snprintf(host.commit, sizeof(host.commit), "%s", commit ? commit : host.parent);
	rc = read_state(ctx, &host);
	if (rc)
		return rc;
	*ret = host;
	host = (struct iov_host){0};
	return IOV_OK;
}

int iov_host_open(struct iov_ctx *ctx, const char *path, struct iov_host *ret)
{
	return iov_host_open_at(ctx, path, NULL, ret);
}

/* The three files that a publish replaces: the index file, its shard, and manifest/top. */
struct pages {
	struct iov_buf index, shard, top;
};

static void pages_release(struct pages *pages)
{
	iov_buf_release(&pages->index);
	iov_buf_release(&pages->shard);
	iov_buf_release(&pages->top);
}

static int read_pages(struct iov_ctx *ctx, const struct iov_host *host, const struct iov_index_place *place,
		      struct pages *ret)
{
	struct iov_source source = iov_host_source(host);
	struct iov_buf files[2] = {{0}};
	const char *paths[2] = {place->shard_path, place->index_path};
	int rc = source.read(ctx, &source, paths, 2, IOV_INDEX_MAX, files);
	ret->shard = files[0];
	ret->index = files[1];
	if (!rc && !ret->shard.data && iov_listing_find(&host->top, place->shard))
		rc = iov_error(ctx, IOV_E_UNTRUSTED,
			       "'%s' has no '%s', which its manifest names; restore branch 'main'", host->path,
			       place->shard_path);
	return rc ? rc : iov_listing_text(ctx, &host->top, &ret->top);
}

/* The new pages; host->top is then the new one. */
static int make_pages(struct iov_ctx *ctx, struct iov_host *host, const char *name, const struct iov_index_place *place,
		      const struct iov_buf *index, const struct pages *old, struct pages *ret)
{
	iov_auto(iov_listing_release) struct iov_listing shard = {0};
	int rc = IOV_OK;
	iov_buf_add(&ret->index, index->data, index->len);
	if (iov_buf_failed(&ret->index))
		return iov_oom(ctx);
	if (old->shard.data)
		rc = iov_listing_parse(ctx, place->shard_path, old->shard.data, old->shard.len, &shard);
	if (!rc)
		rc = iov_listing_set(ctx, &shard, name, index->data, index->len);
	if (!rc)
		rc = iov_listing_text(ctx, &shard, &ret->shard);
	if (!rc)
		rc = iov_listing_set(ctx, &host->top, place->shard, ret->shard.data, ret->shard.len);
	return rc ? rc : iov_listing_text(ctx, &host->top, &ret->top);
}

static int put_copies(struct iov_ctx *ctx, struct iov_host *host, const struct pages *pages,
		      struct iov_changes *changes)
{
	const struct iov_buf *const all[] = {&pages->index, &pages->shard, &pages->top};
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < IOV_COUNT(all); i++)
		if (all[i]->data)
			rc = iov_recent_add(ctx, &host->recent, all[i]->data, all[i]->len, changes);
	return rc;
}

static int put_pages(struct iov_ctx *ctx, const struct iov_index_place *place, const struct pages *pages,
		     struct iov_changes *changes)
{
	int rc = iov_changes_put(ctx, changes, place->index_path, pages->index.data, pages->index.len);
	if (!rc)
		rc = iov_changes_put(ctx, changes, place->shard_path, pages->shard.data, pages->shard.len);
	return rc ? rc : iov_changes_put(ctx, changes, IOV_TOP_PATH, pages->top.data, pages->top.len);
}

int iov_host_list(struct iov_ctx *ctx, struct iov_host *host, const char *name, const struct iov_buf *index,
		  struct iov_changes *changes)
{
	struct iov_index_place place;
	iov_auto(pages_release) struct pages old = {.top = {0}};
	iov_auto(pages_release) struct pages made = {.top = {0}};
	iov_index_place(name, &place);
	int rc = read_pages(ctx, host, &place, &old);
	if (!rc)
		rc = make_pages(ctx, host, name, &place, index, &old, &made);
	if (!rc)
		rc = put_copies(ctx, host, &old, changes);
	if (!rc)
		rc = put_copies(ctx, host, &made, changes);
	if (!rc)
		rc = put_pages(ctx, &place, &made, changes);
	if (rc)
		return rc;
	iov_sha256_hex(made.top.data, made.top.len, host->head.manifest);
	host->head.manifest_size = made.top.len;
	return IOV_OK;
}

int iov_host_index(struct iov_ctx *ctx, const struct iov_host *host, const char *name, struct iov_buf *ret_text,
		   struct iov_index *ret)
{
	struct iov_index_place place;
	struct iov_source source = iov_host_source(host);
	iov_index_place(name, &place);
	const char *path = place.index_path;
	int rc = source.read(ctx, &source, &path, 1, IOV_INDEX_MAX, ret_text);
	if (rc || !ret_text->data)
		return rc;
	return iov_index_parse(ctx, host->root->origin, host->root, &host->head, name, ret_text->data, ret_text->len,
			       ret);
}

int iov_host_log(struct iov_ctx *ctx, struct iov_host *host, const char *leaf, struct iov_changes *changes)
{
	struct iov_source source = iov_host_source(host);
	iov_auto(iov_log_release) struct iov_log log;
	iov_log_init(&log, &source, host->head.log_size);
	int rc = iov_log_append(ctx, &log, leaf, strlen(leaf), changes);
	if (!rc)
		rc = iov_log_root(ctx, &log, &host->head.log_root);
	host->head.log_size = log.size;
	return rc;
}

int iov_host_commit(struct iov_ctx *ctx, struct iov_host *host, const struct iov_signer *signer, unsigned days,
		    int64_t now, struct iov_changes *changes, const char *message, char *ret_commit)
{
	iov_auto(iov_buf_release) struct iov_buf head = {0};
	iov_auto(iov_buf_release) struct iov_buf checkpoint = {0};
	host->head.version++;
	host->head.root = host->root->version;
	/* Clients want times that rise, and two hosts of one registry may have clocks that differ. */
	if (now >= host->head.issued || host->head.issued - now > IOV_CLOCK_SKEW)
		host->head.issued = now;
	host->head.expires = host->head.issued + (int64_t)days * IOV_DAY;
	int rc = iov_recent_seal(ctx, &host->recent, host->head.version, now, changes);
	if (!rc)
		rc = iov_head_make(ctx, &host->head, host->root, signer, &head);
	if (!rc)
		rc = iov_checkpoint_make(ctx, &host->head, host->root, signer, &checkpoint);
	if (!rc)
		rc = iov_changes_put(ctx, changes, IOV_HEAD_PATH, head.data, head.len);
	if (!rc)
		rc = iov_changes_put(ctx, changes, IOV_CHECKPOINT_PATH, checkpoint.data, checkpoint.len);
	if (rc)
		return rc;
	const char *parent = *host->parent ? host->parent : NULL;
	const char *base = strcmp(host->parent, host->commit) != 0 ? host->commit : NULL;
	return iov_git_commit_back(ctx, host->path, IOV_MAIN_REF, parent, base, changes->files, changes->count, message,
				   now, ret_commit);
}
