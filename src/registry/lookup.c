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

static int take_top(struct iov_ctx *ctx, struct iov_registry *registry, const struct iov_buf *text)
{
	const struct iov_head *head = &registry->trust->head;
	struct iov_listed expected = {.size = head->manifest_size};
	memcpy(expected.sha256, head->manifest, IOV_HEX_SIZE);
	if (!text->data || !iov_listed_is(&expected, text->data, text->len))
		return mixed(ctx, registry, IOV_TOP_PATH);
	int rc = iov_listing_parse(ctx, IOV_TOP_PATH, text->data, text->len, &registry->top);
	registry->has_top = !rc;
	return rc;
}

static int take_shard(struct iov_ctx *ctx, struct iov_registry *registry, const char *name, const char *path,
		      const struct iov_buf *text)
{
	struct iov_shard *shards = realloc(registry->shards, (registry->n_shards + 1) * sizeof(*shards));
	if (!shards)
		return iov_oom(ctx);
	registry->shards = shards;
	struct iov_shard *shard = &shards[registry->n_shards];
	*shard = (struct iov_shard){.listing = {0}};
	memcpy(shard->name, name, sizeof(shard->name));
	const struct iov_listed *listed = iov_listing_find(&registry->top, name);
	if (listed && (!text->data || !iov_listed_is(listed, text->data, text->len)))
		return mixed(ctx, registry, path);
	int rc = listed ? iov_listing_parse(ctx, path, text->data, text->len, &shard->listing) : IOV_OK;
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
		      const struct iov_index_place *place, const struct iov_buf *text)
{
	const struct iov_trust *trust = registry->trust;
	struct iov_answer *answers = realloc(registry->answers, (registry->n_answers + 1) * sizeof(*answers));
	if (!answers)
		return iov_oom(ctx);
	registry->answers = answers;
	struct iov_answer *answer = &answers[registry->n_answers];
	*answer = (struct iov_answer){.name = NULL};
	const struct iov_listed *listed = iov_listing_find(&find_shard(registry, place->shard)->listing, name);
	if (listed && (!text->data || !iov_listed_is(listed, text->data, text->len)))
		return mixed(ctx, registry, place->index_path);
	int rc = listed ? iov_index_parse(ctx, trust->name, iov_trust_root(trust), &trust->head, name, text->data,
					  text->len, &answer->index)
			: IOV_OK;
	if (rc)
		return rc;
	rc = listed ? remember(ctx, registry, name, text) : IOV_OK;
	answer->name = strdup(name);
	registry->n_answers++; /* also without a name: what it holds is released then */
	return rc || answer->name ? rc : iov_oom(ctx);
}

/* The manifest does not list the module. */
static int take_nothing(struct iov_ctx *ctx, struct iov_registry *registry, const char *name)
{
	struct iov_answer *answers = realloc(registry->answers, (registry->n_answers + 1) * sizeof(*answers));
	if (!answers)
		return iov_oom(ctx);
	registry->answers = answers;
	answers[registry->n_answers] = (struct iov_answer){.name = strdup(name)};
	return answers[registry->n_answers++].name ? IOV_OK : iov_oom(ctx);
}

/* ---- one module: everything with one question, before it is known whether the registry has it ---- */

int iov_registry_check_fresh(struct iov_ctx *ctx, const struct iov_registry *registry)
{
	return iov_head_check_fresh(ctx, registry->trust->name, &registry->trust->head, time(NULL));
}

static int read_answer(struct iov_ctx *ctx, struct iov_registry *registry, const char *name)
{
	enum { TOP, SHARD, INDEX, COUNT };
	struct iov_index_place place;
	struct iov_source source = iov_trust_source(registry->trust);
	struct iov_buf files[COUNT] = {{0}};
	iov_index_place(name, &place);
	const char *paths[COUNT] = {IOV_TOP_PATH, place.shard_path, place.index_path};
	int rc = source.read(ctx, &source, paths, COUNT, IOV_INDEX_MAX, files);
	if (!rc && !registry->has_top)
		rc = take_top(ctx, registry, &files[TOP]);
	if (!rc && !find_shard(registry, place.shard))
		rc = take_shard(ctx, registry, place.shard, place.shard_path, &files[SHARD]);
	if (!rc)
		rc = take_index(ctx, registry, name, &place, &files[INDEX]);
	iov_bufs_release(files, COUNT);
	return rc;
}

int iov_registry_answer(struct iov_ctx *ctx, struct iov_registry *registry, const char *name,
			const struct iov_answer **ret)
{
	int rc = iov_registry_check_fresh(ctx, registry);
	if (!rc && !find_answer(registry, name))
		rc = read_answer(ctx, registry, name);
	if (!rc)
		*ret = find_answer(registry, name);
	return rc;
}

/* ---- many modules ---- */

static int ensure_top(struct iov_ctx *ctx, struct iov_registry *registry)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	struct iov_source source = iov_trust_source(registry->trust);
	if (registry->has_top)
		return IOV_OK;
	int rc = iov_source_read(ctx, &source, IOV_TOP_PATH, IOV_LISTING_MAX, &text);
	return rc ? rc : take_top(ctx, registry, &text);
}

/* Files to read with one question: their paths, what is known of them, and then their bytes. */
struct batch {
	struct iov_index_place *places;
	const char **names;
	const char **paths;
	struct iov_buf *files;
	size_t count;
	size_t limit; /* the largest of them, as listed */
};

static int batch_init(struct iov_ctx *ctx, struct batch *batch, size_t room)
{
	batch->places = calloc(room + 1, sizeof(*batch->places));
	batch->names = calloc(room + 1, sizeof(*batch->names));
	batch->paths = calloc(room + 1, sizeof(*batch->paths));
	batch->files = calloc(room + 1, sizeof(*batch->files));
	return batch->places && batch->names && batch->paths && batch->files ? IOV_OK : iov_oom(ctx);
}

static void batch_release(struct batch *batch)
{
	if (batch->files)
		iov_bufs_release(batch->files, batch->count);
	free(batch->places);
	free(batch->names);
	free(batch->paths);
	free(batch->files);
}

static int batch_read(struct iov_ctx *ctx, const struct iov_registry *registry, struct batch *batch)
{
	struct iov_source source = iov_trust_source(registry->trust);
	return batch->count ? source.read(ctx, &source, batch->paths, batch->count, batch->limit, batch->files)
			    : IOV_OK;
}

static void batch_add(struct batch *batch, const char *name, const struct iov_index_place *place, bool index,
		      const struct iov_listed *listed)
{
	struct iov_index_place *own = &batch->places[batch->count];
	*own = *place;
	batch->names[batch->count] = name;
	batch->paths[batch->count++] = index ? own->index_path : own->shard_path;
	if (listed->size > batch->limit)
		batch->limit = listed->size < IOV_INDEX_MAX ? listed->size : IOV_INDEX_MAX;
}

/* Shards that top lists and nobody has read. */
static int ensure_shards(struct iov_ctx *ctx, struct iov_registry *registry)
{
	iov_auto(batch_release) struct batch batch = {0};
	int rc = batch_init(ctx, &batch, registry->top.count);
	for (size_t i = 0; !rc && i < registry->top.count; i++) {
		const struct iov_listed *listed = &registry->top.items[i];
		struct iov_index_place place = {0};
		if (find_shard(registry, listed->name))
			continue;
		snprintf(place.shard, sizeof(place.shard), "%.2s", listed->name);
		snprintf(place.shard_path, sizeof(place.shard_path), "manifest/%.2s", listed->name);
		batch_add(&batch, NULL, &place, false, listed);
	}
	if (!rc)
		rc = batch_read(ctx, registry, &batch);
	for (size_t i = 0; !rc && i < batch.count; i++)
		rc = take_shard(ctx, registry, batch.places[i].shard, batch.paths[i], &batch.files[i]);
	return rc;
}

static int ensure_manifest(struct iov_ctx *ctx, struct iov_registry *registry)
{
	int rc = iov_registry_check_fresh(ctx, registry);
	if (!rc)
		rc = ensure_top(ctx, registry);
	return rc ? rc : ensure_shards(ctx, registry);
}

int iov_registry_prefetch(struct iov_ctx *ctx, struct iov_registry *registry, const char *const *names, size_t count)
{
	iov_auto(batch_release) struct batch batch = {0};
	int rc = ensure_manifest(ctx, registry);
	if (!rc)
		rc = batch_init(ctx, &batch, count);
	for (size_t i = 0; !rc && i < count; i++) {
		struct iov_index_place place;
		iov_index_place(names[i], &place);
		const struct iov_shard *shard = find_shard(registry, place.shard);
		const struct iov_listed *listed = shard ? iov_listing_find(&shard->listing, names[i]) : NULL;
		if (find_answer(registry, names[i]))
			continue;
		if (listed)
			batch_add(&batch, names[i], &place, true, listed);
		else
			rc = take_nothing(ctx, registry, names[i]);
	}
	if (!rc)
		rc = batch_read(ctx, registry, &batch);
	for (size_t i = 0; !rc && i < batch.count; i++)
		if (!find_answer(registry, batch.names[i]))
			rc = take_index(ctx, registry, batch.names[i], &batch.places[i], &batch.files[i]);
	return rc;
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
