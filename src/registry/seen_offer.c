/* Of what is offered, the index files of the modules that this host remembers, as far as they changed. */
#include "registry/seen_check.h"

#include <string.h>

#include "registry/listing.h"
#include "registry/seen_line.h"
#include "util/cleanup.h"

#define SHARDS 256
#define AT_ONCE 16 /* index files in one question: each may have 16 MiB */

/* Files that are asked for with one question, each listed with its digest. */
struct files {
	const char *names[SHARDS]; /* of shards or modules; borrowed */
	char paths[SHARDS][IOV_INDEX_PATH_MAX];
	struct iov_listed listed[SHARDS];
	struct iov_buf texts[SHARDS];
	size_t count;
};

struct look {
	struct iov_seen_check check;
	struct iov_seen *seen;
	struct iov_listing top;
	struct iov_listing shards[SHARDS]; /* by the first byte of the digests of names */
	struct files files;
};

static void forget_files(struct files *files)
{
	iov_bufs_release(files->texts, files->count);
	files->count = 0;
}

static void look_free(struct look **look)
{
	if (!*look)
		return;
	iov_log_release(&(*look)->check.log);
	iov_listing_release(&(*look)->top);
	for (size_t i = 0; i < SHARDS; i++)
		iov_listing_release(&(*look)->shards[i]);
	forget_files(&(*look)->files);
	free(*look);
}

static void want(struct files *files, const char *name, const char *path, const struct iov_listed *listed)
{
	size_t at = files->count++;
	files->names[at] = name;
	files->listed[at] = *listed;
	files->texts[at] = (struct iov_buf){0};
	memcpy(files->paths[at], path, strlen(path) + 1);
}

/* Those that are not at hand. */
static int ask_for_files(struct look *look)
{
	const struct iov_source *source = look->check.offer->source;
	struct files *files = &look->files;
	const char *paths[SHARDS];
	size_t places[SHARDS] = {0}, count = 0;
	struct iov_buf texts[SHARDS] = {{0}};
	for (size_t i = 0; i < files->count; i++) {
		if (iov_source_recall(source, &files->listed[i], &files->texts[i]))
			continue;
		places[count] = i;
		paths[count++] = files->paths[i];
	}
	int rc = count ? source->read(look->check.ctx, source, paths, count, IOV_INDEX_MAX, texts) : IOV_OK;
	for (size_t i = 0; i < count; i++)
		files->texts[places[i]] = texts[i];
	return rc;
}

static int read_files(struct look *look)
{
	const struct iov_seen_offer *offer = look->check.offer;
	struct files *files = &look->files;
	int rc = ask_for_files(look);
	for (size_t i = 0; !rc && i < files->count; i++) {
		struct iov_buf *text = &files->texts[i];
		rc = iov_source_settle(look->check.ctx, offer->source, &files->listed[i], text);
		if (!rc && (!text->data || !iov_listed_is(&files->listed[i], text->data, text->len)))
			return iov_error(
				look->check.ctx, IOV_E_UNTRUSTED,
				"'%s' in registry '%s' is not what head %llu names (mix-and-match attack); the "
				"last good state is kept, update again later",
				files->paths[i], offer->registry, (unsigned long long)offer->head->version);
	}
	return rc;
}

/* ---- shards ---- */

static size_t shard_number(const char *shard)
{
	uint8_t byte = 0;
	iov_unhex(shard, &byte, 1);
	return byte;
}

static void want_shards(struct look *look)
{
	const char *name;
	json_t *module;
	bool wanted[SHARDS] = {false};
	json_object_foreach(look->seen->modules, name, module) {
		struct iov_index_place place;
		iov_index_place(name, &place);
		const struct iov_listed *listed = iov_listing_find(&look->top, place.shard);
		size_t number = shard_number(place.shard);
		if (listed && !wanted[number])
			want(&look->files, listed->name, place.shard_path, listed);
		wanted[number] = true;
	}
}

static int read_shards(struct look *look)
{
	struct files *files = &look->files;
	want_shards(look);
	int rc = read_files(look);
	for (size_t i = 0; !rc && i < files->count; i++)
		rc = iov_listing_parse(look->check.ctx, files->paths[i], files->texts[i].data, files->texts[i].len,
				       &look->shards[shard_number(files->names[i])]);
	forget_files(files);
	return rc;
}

/* ---- index files ---- */

static int judge(struct look *look, const char *name, const char *text, size_t len)
{
	iov_auto(iov_json_release) json_t *before = json_incref(json_object_get(look->seen->modules, name));
	int rc = iov_seen_note(look->check.ctx, look->seen, name, text, len);
	return rc ? rc : iov_seen_judge(&look->check, name, before, json_object_get(look->seen->modules, name));
}

static int judge_files(struct look *look)
{
	struct files *files = &look->files;
	int rc = files->count ? read_files(look) : IOV_OK;
	for (size_t i = 0; !rc && i < files->count; i++)
		rc = judge(look, files->names[i], files->texts[i].data, files->texts[i].len);
	forget_files(files);
	return rc;
}

static int look_at(struct look *look, const char *name)
{
	struct iov_index_place place;
	iov_index_place(name, &place);
	const struct iov_listed *listed = iov_listing_find(&look->shards[shard_number(place.shard)], name);
	if (!listed)
		return judge(look, name, "", 0);
	if (strcmp(listed->sha256, iov_seen_index(json_object_get(look->seen->modules, name))) != 0)
		want(&look->files, name, place.index_path, listed);
	return look->files.count == AT_ONCE ? judge_files(look) : IOV_OK;
}

/* Judging replaces what is remembered, so the names are walked on a list of their own. */
static int look_at_all(struct look *look)
{
	const char *name;
	json_t *module;
	iov_auto(iov_json_release) json_t *all = json_copy(look->seen->modules);
	int rc = all ? read_shards(look) : iov_oom(look->check.ctx);
	json_object_foreach(all, name, module) {
		if (!rc)
			rc = look_at(look, name);
	}
	return rc ? rc : judge_files(look);
}

int iov_seen_check(struct iov_ctx *ctx, const struct iov_seen_offer *offer, struct iov_seen *seen)
{
	iov_auto(look_free) struct look *look = NULL;
	if (!json_object_size(seen->modules))
		return IOV_OK;
	look = calloc(1, sizeof(*look));
	if (!look)
		return iov_oom(ctx);
	look->check = (struct iov_seen_check){.ctx = ctx, .offer = offer};
	look->seen = seen;
	seen->known = offer->known;
	iov_log_init(&look->check.log, offer->source, offer->head->log_size);
	int rc = iov_listing_parse(ctx, IOV_TOP_PATH, offer->top, offer->top_len, &look->top);
	return rc ? rc : look_at_all(look);
}
