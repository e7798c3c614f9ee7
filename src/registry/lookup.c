/* From the trusted head down to the releases of a module: manifest/top, a shard, an index file, each checked by the one
 * before. */
#include "registry/registries.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/cleanup.h"

static const struct iov_shard *find_shard(const struct iov_registry *registry, const char *name)
{
	for (size_t i = 0; i < registry->n_shards; i++)
		if (!strcmp(registry->shards[i].name, name))
			return &registry->shards[i];
	return NULL;
}

static const struct iov_answer *find_answer(const struct iov_registry *registry, const char *name)
{
	for (size_t i = 0; i < registry->n_answers; i++)
		if (!strcmp(registry->answers[i].name, name))
			return &registry->answers[i];
	return NULL;
}

static void forget(struct iov_answer *answers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(answers[i].name);
		iov_index_release(&answers[i].index);
	}
	free(answers);
}

void iov_registry_forget_answers(struct iov_registry *registry)
{
	for (size_t i = 0; i < registry->n_shards; i++)
		iov_listing_release(&registry->shards[i].listing);
	forget(registry->answers, registry->n_answers);
	forget(registry->briefs, registry->n_briefs);
	free(registry->shards);
	iov_seen_release(&registry->seen);
	iov_listing_release(&registry->top);
	iov_log_release(&registry->log);
	*registry = (struct iov_registry){.trust = registry->trust};
}

static int mixed(struct iov_ctx *ctx, const struct iov_registry *registry, const char *path)
{
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "'%s' in registry '%s' is not what head %llu names (mix-and-match attack); run 'iovpkg "
			 "registry update %s'",
			 path, registry->trust->name, (unsigned long long)registry->trust->head.version,
			 registry->trust->name);
}

/* ---- taking what was read, once it is what it should be ---- */

static struct iov_listed listed_top(const struct iov_registry *registry)
{
	const struct iov_head *head = &registry->trust->head;
	struct iov_listed listed = {.size = head->manifest_size};
	memcpy(listed.sha256, head->manifest, IOV_HEX_SIZE);
	return listed;
}

/* Makes sure that `text` is what the level above lists. */
static int check_listed(struct iov_ctx *ctx, const struct iov_registry *registry, const struct iov_listed *listed,
			const char *path, struct iov_buf *text)
{
	struct iov_source source = iov_trust_source(registry->trust);
	int rc = iov_source_settle(ctx, &source, listed, text);
	if (!rc && (!text->data || !iov_listed_is(listed, text->data, text->len)))
		return mixed(ctx, registry, path);
	return rc;
}

static int take_top(struct iov_ctx *ctx, struct iov_registry *registry, struct iov_buf *text)
{
	struct iov_listed expected = listed_top(registry);
	int rc = check_listed(ctx, registry, &expected, IOV_TOP_PATH, text);
	if (!rc)
		rc = iov_listing_parse(ctx, IOV_TOP_PATH, text->data, text->len, &registry->top);
	registry->has_top = !rc;
	return rc;
}

static int take_shard(struct iov_ctx *ctx, struct iov_registry *registry, const char *name, struct iov_buf *text)
{
	char path[IOV_INDEX_PATH_MAX];
	struct iov_shard *shards = realloc(registry->shards, (registry->n_shards + 1) * sizeof(*shards));
	if (!shards)
		return iov_oom(ctx);
	registry->shards = shards;
	struct iov_shard *shard = &shards[registry->n_shards];
	*shard = (struct iov_shard){.listing = {0}};
	memcpy(shard->name, name, sizeof(shard->name));
	snprintf(path, sizeof(path), "manifest/%.2s", name);
	const struct iov_listed *listed = iov_listing_find(&registry->top, name);
	int rc = listed ? check_listed(ctx, registry, listed, path, text) : IOV_OK;
	if (!rc && listed)
		rc = iov_listing_parse(ctx, path, text->data, text->len, &shard->listing);
	registry->n_shards += !rc;
	return rc;
}

/* What was read here must not be told otherwise later. */
static int remember(struct iov_ctx *ctx, struct iov_registry *registry, const char *name, const struct iov_buf *text)
{
	int rc = registry->seen.modules ? IOV_OK : iov_seen_open(ctx, registry->trust->folder, &registry->seen);
	return rc ? rc : iov_seen_note(ctx, &registry->seen, name, text->data, text->len);
}

static int take_index(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
		      const struct iov_index_place *place, struct iov_buf *text)
{
	const struct iov_trust *trust = registry->trust;
	struct iov_answer *answers = realloc(registry->answers, (registry->n_answers + 1) * sizeof(*answers));
	if (!answers)
		return iov_oom(ctx);
	registry->answers = answers;
	struct iov_answer *answer = &answers[registry->n_answers];
	*answer = (struct iov_answer){.name = NULL};
	const struct iov_listed *listed = iov_listing_find(&find_shard(registry, place->shard)->listing, name);
	int rc = listed ? check_listed(ctx, registry, listed, place->index_path, text) : IOV_OK;
	if (!rc && listed)
		rc = iov_index_parse(ctx, trust->name, iov_trust_root(trust), &trust->head, name, text->data, text->len,
				     &answer->index);
	if (rc)
		return rc;
	rc = listed ? remember(ctx, registry, name, text) : IOV_OK;
	answer->name = strdup(name);
	registry->n_answers++; /* also without a name: what it holds is released then */
	return rc || answer->name ? rc : iov_oom(ctx);
}

/* ---- what is at hand: files that were checked before, and what a level above does not list ---- */

static int recall_top(struct iov_ctx *ctx, struct iov_registry *registry)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_source source = iov_trust_source(registry->trust);
	struct iov_listed listed = listed_top(registry);
	if (registry->has_top || !iov_source_recall(&source, &listed, &text))
		return IOV_OK;
	return take_top(ctx, registry, &text);
}

static int recall_shard(struct iov_ctx *ctx, struct iov_registry *registry, const char *name)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_source source = iov_trust_source(registry->trust);
	if (!registry->has_top || find_shard(registry, name))
		return IOV_OK;
	const struct iov_listed *listed = iov_listing_find(&registry->top, name);
	if (listed && !iov_source_recall(&source, listed, &text))
		return IOV_OK;
	return take_shard(ctx, registry, name, &text);
}

static int recall_index(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
			const struct iov_index_place *place)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_source source = iov_trust_source(registry->trust);
	const struct iov_shard *shard = find_shard(registry, place->shard);
	if (!shard || find_answer(registry, name))
		return IOV_OK;
	const struct iov_listed *listed = iov_listing_find(&shard->listing, name);
	if (listed && !iov_source_recall(&source, listed, &text))
		return IOV_OK;
	return take_index(ctx, registry, name, place, &text);
}

/* ---- the rest, with one question, before it is known what the registry has ---- */

int iov_registry_check_fresh(struct iov_ctx *ctx, const struct iov_registry *registry)
{
	return iov_head_check_fresh(ctx, registry->trust->name, &registry->trust->head, time(NULL));
}

/* Files to read with one question. */
struct batch {
	struct file {
		char path[IOV_INDEX_PATH_MAX];
		char shard[3];	  /* of a shard; "" otherwise */
		const char *name; /* of an index file; NULL otherwise */
	} * files;
	const char **paths;
	struct iov_buf *texts;
	size_t count;
};

static int batch_init(struct iov_ctx *ctx, struct batch *batch, size_t room)
{
	batch->files = calloc(room + 1, sizeof(*batch->files));
	batch->paths = calloc(room + 1, sizeof(*batch->paths));
	batch->texts = calloc(room + 1, sizeof(*batch->texts));
	if (batch->files && batch->paths && batch->texts)
		return IOV_OK;
	iov_oom(ctx);
	return IOV_E_SPACE;
}

static void batch_release(struct batch *batch)
{
	if (batch->texts)
		iov_bufs_release(batch->texts, batch->count);
	free(batch->files);
	free(batch->paths);
	free(batch->texts);
}

static struct file *batch_add(struct batch *batch, const char *path)
{
	struct file *file = &batch->files[batch->count];
	snprintf(file->path, sizeof(file->path), "%s", path);
	batch->paths[batch->count++] = file->path;
	return file;
}

static void want_top(struct batch *batch, const struct iov_registry *registry)
{
	if (!registry->has_top)
		batch_add(batch, IOV_TOP_PATH);
}

static void want_shard(struct batch *batch, const struct iov_registry *registry, const char *name)
{
	char path[IOV_INDEX_PATH_MAX];
	for (size_t i = 0; i < batch->count; i++)
		if (!strcmp(batch->files[i].shard, name))
			return;
	if (find_shard(registry, name))
		return;
	snprintf(path, sizeof(path), "manifest/%.2s", name);
	struct file *file = batch_add(batch, path);
	memcpy(file->shard, name, sizeof(file->shard));
}

static void want_index(struct batch *batch, const struct iov_registry *registry, const char *name, const char *path)
{
	if (!find_answer(registry, name))
		batch_add(batch, path)->name = name;
}

static int take_file(struct iov_ctx *ctx, struct iov_registry *registry, const struct file *file, struct iov_buf *text)
{
	struct iov_index_place place;
	if (*file->shard)
		return take_shard(ctx, registry, file->shard, text);
	if (!file->name)
		return take_top(ctx, registry, text);
	if (find_answer(registry, file->name))
		return IOV_OK; /* asked for twice */
	iov_index_place(file->name, &place);
	return take_index(ctx, registry, file->name, &place, text);
}

/* From the top down: each level is checked by the one before. */
static int batch_take(struct iov_ctx *ctx, struct iov_registry *registry, struct batch *batch)
{
	struct iov_source source = iov_trust_source(registry->trust);
	int rc = IOV_OK;
	if (batch->count)
		rc = source.read(ctx, &source, batch->paths, batch->count, IOV_INDEX_MAX, batch->texts);
	for (size_t i = 0; !rc && i < batch->count; i++)
		if (!batch->files[i].name)
			rc = take_file(ctx, registry, &batch->files[i], &batch->texts[i]);
	for (size_t i = 0; !rc && i < batch->count; i++)
		if (batch->files[i].name)
			rc = take_file(ctx, registry, &batch->files[i], &batch->texts[i]);
	return rc;
}

static int recall_answers(struct iov_ctx *ctx, struct iov_registry *registry, const char *const *names, size_t count)
{
	int rc = recall_top(ctx, registry);
	for (size_t i = 0; !rc && i < count; i++) {
		struct iov_index_place place;
		iov_index_place(names[i], &place);
		rc = recall_shard(ctx, registry, place.shard);
		if (!rc)
			rc = recall_index(ctx, registry, names[i], &place);
	}
	return rc;
}

static int read_answers(struct iov_ctx *ctx, struct iov_registry *registry, const char *const *names, size_t count)
{
	iov_auto(batch_release) struct batch batch = {0};
	int rc = recall_answers(ctx, registry, names, count);
	if (!rc)
		rc = batch_init(ctx, &batch, 1 + 2 * count);
	for (size_t i = 0; !rc && i < count; i++) {
		struct iov_index_place place;
		if (find_answer(registry, names[i]))
			continue;
		iov_index_place(names[i], &place);
		if (!batch.count)
			want_top(&batch, registry);
		want_shard(&batch, registry, place.shard);
		want_index(&batch, registry, names[i], place.index_path);
	}
	return rc ? rc : batch_take(ctx, registry, &batch);
}

/* ---- answers ---- */

int iov_registry_answer(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
			const struct iov_answer **ret)
{
	int rc = iov_registry_check_fresh(ctx, registry);
	if (!rc && !find_answer(registry, name))
		rc = read_answers(ctx, registry, &name, 1);
	if (!rc)
		*ret = find_answer(registry, name);
	return rc;
}

int iov_registry_prefetch(struct iov_ctx *ctx, struct iov_registry *registry, const char *const *names, size_t count)
{
	int rc = iov_registry_check_fresh(ctx, registry);
	return rc ? rc : read_answers(ctx, registry, names, count);
}

/* ---- all names ---- */

static int ensure_top(struct iov_ctx *ctx, struct iov_registry *registry)
{
	iov_auto(batch_release) struct batch batch = {0};
	int rc = recall_top(ctx, registry);
	if (!rc)
		rc = batch_init(ctx, &batch, 1);
	if (rc)
		return rc;
	want_top(&batch, registry);
	return batch_take(ctx, registry, &batch);
}

static int ensure_shards(struct iov_ctx *ctx, struct iov_registry *registry)
{
	iov_auto(batch_release) struct batch batch = {0};
	int rc = batch_init(ctx, &batch, registry->top.count);
	for (size_t i = 0; !rc && i < registry->top.count; i++) {
		char name[3];
		snprintf(name, sizeof(name), "%.2s", registry->top.items[i].name);
		rc = recall_shard(ctx, registry, name);
		if (!rc)
			want_shard(&batch, registry, name);
	}
	return rc ? rc : batch_take(ctx, registry, &batch);
}

static int ensure_manifest(struct iov_ctx *ctx, struct iov_registry *registry)
{
	int rc = iov_registry_check_fresh(ctx, registry);
	if (!rc)
		rc = ensure_top(ctx, registry);
	return rc ? rc : ensure_shards(ctx, registry);
}

int iov_registry_names(struct iov_ctx *ctx, struct iov_registry *registry, struct iov_buf *ret_lines)
{
	int rc = ensure_manifest(ctx, registry);
	for (size_t i = 0; !rc && i < registry->n_shards; i++)
		for (size_t j = 0; j < registry->shards[i].listing.count; j++)
			iov_buf_printf(ret_lines, "%s %s\n", registry->trust->name,
				       registry->shards[i].listing.items[j].name);
	return rc ? rc : iov_buf_failed(ret_lines) ? iov_oom(ctx) : IOV_OK;
}
