#include "registry/log.h"

#include <string.h>

#include "util/cleanup.h"

#define TILE_BITS 8
#define BUNDLE_MAX (IOV_TILE_WIDTH * (2 + UINT16_MAX)) /* bytes */

void iov_log_init(struct iov_log *log, const struct iov_source *source, uint64_t size)
{
	*log = (struct iov_log){.source = source, .size = size};
}

void iov_log_release(struct iov_log *log)
{
	for (size_t i = 0; i < log->n_tiles; i++)
		iov_buf_release(&log->tiles[i].data);
	free(log->tiles);
	*log = (struct iov_log){0};
}

/* The tile in the cache; one that is not there is noted as wanted. NULL: no memory. */
static struct iov_log_tile *tile_of(struct iov_log *log, unsigned level, uint64_t index)
{
	for (size_t i = 0; i < log->n_tiles; i++)
		if (log->tiles[i].tile.level == level && log->tiles[i].tile.index == index)
			return &log->tiles[i];
	struct iov_log_tile *tiles = realloc(log->tiles, (log->n_tiles + 1) * sizeof(*tiles));
	if (!tiles) {
		log->failed = true;
		return NULL;
	}
	log->tiles = tiles;
	tiles[log->n_tiles] = (struct iov_log_tile){.tile = iov_tile_at(level, index, log->size)};
	return &tiles[log->n_tiles++];
}

/* ---- fetching what is wanted, all of it with one question ---- */

/* Where the first `count` entries of a bundle end, or as many as it has. */
static size_t end_of_entries(const struct iov_buf *bundle, unsigned count)
{
	size_t at = 0;
	for (; count && bundle->len - at >= 2; count--) {
		size_t len = (size_t)(uint8_t)bundle->data[at] << 8 | (uint8_t)bundle->data[at + 1];
		if (bundle->len - at - 2 < len)
			break;
		at += 2 + len;
	}
	return count ? bundle->len : at;
}

/* Of what came for `asked`, which may be longer than the tile that is wanted, the part that is it. */
static int take(struct iov_ctx *ctx, struct iov_log_tile *tile, const struct iov_tile *asked, const char *path,
		struct iov_buf *data)
{
	if (!data->data)
		return IOV_OK;
	if (asked->level != IOV_TILE_ENTRIES && data->len != (size_t)asked->width * IOV_DIGEST_SIZE)
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "tile '%s' of the log has %zu bytes instead of %u; tell the registry's host", path,
				 data->len, asked->width * IOV_DIGEST_SIZE);
	tile->data = *data;
	*data = (struct iov_buf){0};
	tile->data.len = asked->level == IOV_TILE_ENTRIES ? end_of_entries(&tile->data, tile->tile.width)
							  : (size_t)tile->tile.width * IOV_DIGEST_SIZE;
	return IOV_OK;
}

struct question {
	struct iov_log_tile **tiles;
	struct iov_tile *asked;
	char (*names)[IOV_TILE_PATH_MAX];
	const char **paths;
	struct iov_buf *data;
	size_t count;
};

static void question_release(struct question *question)
{
	if (question->data)
		iov_bufs_release(question->data, question->count);
	free(question->data);
	free(question->paths);
	free(question->names);
	free(question->asked);
	free(question->tiles);
}

static bool question_init(struct question *question, size_t room)
{
	question->tiles = calloc(room, sizeof(struct iov_log_tile *));
	question->asked = calloc(room, sizeof(*question->asked));
	question->names = calloc(room, sizeof(*question->names));
	question->paths = calloc(room, sizeof(*question->paths));
	question->data = calloc(room, sizeof(*question->data));
	return question->tiles && question->asked && question->names && question->paths && question->data;
}

static void question_add(struct question *question, struct iov_log_tile *tile, bool full)
{
	char *name = question->names[question->count];
	struct iov_tile *asked = &question->asked[question->count];
	*asked = tile->tile;
	if (full)
		asked->width = IOV_TILE_WIDTH;
	iov_tile_path(asked, name);
	question->paths[question->count] = name;
	question->tiles[question->count++] = tile;
}

static bool is_missing(const struct iov_log_tile *tile)
{
	return !tile->data.data;
}

static bool has_partial(const struct iov_tile *tile)
{
	return tile->width && tile->width < IOV_TILE_WIDTH;
}

/* Asks for the tiles that are missing, or for the full ones in the place of partial ones that are. */
static int ask_wanted(struct iov_ctx *ctx, struct iov_log *log, bool full)
{
	iov_auto(question_release) struct question question = {.count = 0};
	int rc = IOV_OK;
	if (log->failed || !question_init(&question, log->n_tiles + 1))
		return iov_oom(ctx);
	for (size_t i = 0; i < log->n_tiles; i++)
		if (is_missing(&log->tiles[i]) && (!full || has_partial(&log->tiles[i].tile)))
			question_add(&question, &log->tiles[i], full);
	if (question.count)
		rc = log->source->read(ctx, log->source, question.paths, question.count, BUNDLE_MAX, question.data);
	for (size_t i = 0; !rc && i < question.count; i++)
		rc = take(ctx, question.tiles[i], &question.asked[i], question.paths[i], &question.data[i]);
	return rc;
}

static const struct iov_log_tile *find_missing(const struct iov_log *log)
{
	for (size_t i = 0; i < log->n_tiles; i++)
		if (is_missing(&log->tiles[i]))
			return &log->tiles[i];
	return NULL;
}

/* A partial tile may be gone once the full one is there (tlog-tiles), and what it had stands first in that. */
static int fetch_wanted(struct iov_ctx *ctx, struct iov_log *log)
{
	char name[IOV_TILE_PATH_MAX];
	int rc = ask_wanted(ctx, log, false);
	if (!rc && find_missing(log))
		rc = ask_wanted(ctx, log, true);
	const struct iov_log_tile *missing = rc ? NULL : find_missing(log);
	if (!missing)
		return rc;
	iov_tile_path(&missing->tile, name);
	return iov_error(ctx, IOV_E_UNTRUSTED,
			 "the log has no tile '%s', which its size demands; tell the registry's host", name);
}

/* ---- hashes: each computation runs twice, once to learn which tiles it wants, once with them ---- */

static struct iov_hash fold(const char *hashes, size_t count)
{
	struct iov_hash row[IOV_TILE_WIDTH];
	memcpy(row, hashes, count * sizeof(*row));
	for (; count > 1; count /= 2)
		for (size_t i = 0; i < count / 2; i++)
			row[i] = iov_merkle_node(&row[2 * i], &row[2 * i + 1]);
	return row[0];
}

/* The whole subtree of 2^level leaves, number `index` of its level; zeros while its tile is not at hand. */
static struct iov_hash whole_subtree(struct iov_log *log, unsigned level, uint64_t index)
{
	size_t count = (size_t)1 << level % TILE_BITS;
	uint64_t first = index * count;
	const struct iov_log_tile *tile = tile_of(log, level / TILE_BITS, first / IOV_TILE_WIDTH);
	size_t at = first % IOV_TILE_WIDTH;
	if (!tile || !tile->data.data || (at + count) * IOV_DIGEST_SIZE > tile->data.len)
		return (struct iov_hash){0};
	return fold(tile->data.data + at * IOV_DIGEST_SIZE, count);
}

/* MTH(D[from:to]) of RFC 6962; `from` is where a left subtree ends, so whole subtrees are aligned. */
static struct iov_hash subtree(struct iov_log *log, uint64_t from, uint64_t to)
{
	uint64_t size = to - from;
	if ((size & (size - 1)) == 0) {
		unsigned level = (unsigned)__builtin_ctzll(size);
		return whole_subtree(log, level, from >> level);
	}
	uint64_t left = iov_merkle_split(size);
	struct iov_hash a = subtree(log, from, from + left);
	struct iov_hash b = subtree(log, from + left, to);
	return iov_merkle_node(&a, &b);
}

static void push(struct iov_proof *proof, struct iov_hash hash)
{
	if (proof->count < IOV_PROOF_MAX)
		proof->hashes[proof->count++] = hash;
}

static void root(struct iov_log *log, uint64_t unused, struct iov_proof *proof)
{
	(void)unused;
	push(proof, subtree(log, 0, log->size));
}

/* PATH(index, D[from:to]), RFC 6962, 2.1.1. */
static void path(struct iov_log *log, uint64_t index, uint64_t from, uint64_t to, struct iov_proof *proof)
{
	if (to - from == 1)
		return;
	uint64_t middle = from + iov_merkle_split(to - from);
	if (index < middle) {
		path(log, index, from, middle, proof);
		push(proof, subtree(log, middle, to));
	} else {
		path(log, index, middle, to, proof);
		push(proof, subtree(log, from, middle));
	}
}

static void inclusion(struct iov_log *log, uint64_t index, struct iov_proof *proof)
{
	path(log, index, 0, log->size, proof);
}

/* SUBPROOF(size1 - from, D[from:to], known), RFC 6962, 2.1.2. */
static void subproof(struct iov_log *log, uint64_t size1, uint64_t from, uint64_t to, bool known,
		     struct iov_proof *proof)
{
	if (size1 == to) {
		if (!known)
			push(proof, subtree(log, from, to));
		return;
	}
	uint64_t middle = from + iov_merkle_split(to - from);
	if (size1 <= middle) {
		subproof(log, size1, from, middle, known, proof);
		push(proof, subtree(log, middle, to));
	} else {
		subproof(log, size1, middle, to, false, proof);
		push(proof, subtree(log, from, middle));
	}
}

static void consistency(struct iov_log *log, uint64_t size1, struct iov_proof *proof)
{
	subproof(log, size1, 0, log->size, true, proof);
}

static int compute(struct iov_ctx *ctx, struct iov_log *log,
		   void (*ask)(struct iov_log *, uint64_t, struct iov_proof *), uint64_t number, struct iov_proof *ret)
{
	struct iov_proof proof = {.count = 0};
	ask(log, number, &proof);
	int rc = fetch_wanted(ctx, log);
	if (rc)
		return rc;
	proof.count = 0;
	ask(log, number, &proof);
	*ret = proof;
	return IOV_OK;
}

int iov_log_root(struct iov_ctx *ctx, struct iov_log *log, struct iov_hash *ret)
{
	struct iov_proof proof;
	if (!log->size) {
		*ret = iov_merkle_empty();
		return IOV_OK;
	}
	int rc = compute(ctx, log, root, 0, &proof);
	if (!rc)
		*ret = proof.hashes[0];
	return rc;
}

int iov_log_prove_included(struct iov_ctx *ctx, struct iov_log *log, uint64_t index, struct iov_proof *ret)
{
	if (index >= log->size)
		return iov_error(ctx, IOV_E_UNTRUSTED, "the log has %llu entries and no number %llu",
				 (unsigned long long)log->size, (unsigned long long)index);
	return compute(ctx, log, inclusion, index, ret);
}

int iov_log_prove_consistent(struct iov_ctx *ctx, struct iov_log *log, uint64_t size1, struct iov_proof *ret)
{
	if (!size1 || size1 > log->size)
		return iov_error(ctx, IOV_E_UNTRUSTED, "a log of %llu entries cannot extend one of %llu",
				 (unsigned long long)log->size, (unsigned long long)size1);
	return compute(ctx, log, consistency, size1, ret);
}

/* ---- entries ---- */

/* Big-endian 16-bit lengths, each before its entry. */
static bool find_entry(const struct iov_buf *bundle, uint64_t number, const char **ret, size_t *ret_len)
{
	for (size_t at = 0; bundle->len - at >= 2; number--) {
		size_t len = (size_t)(uint8_t)bundle->data[at] << 8 | (uint8_t)bundle->data[at + 1];
		if (bundle->len - at - 2 < len)
			return false;
		if (!number) {
			*ret = bundle->data + at + 2;
			*ret_len = len;
			return true;
		}
		at += 2 + len;
	}
	return false;
}

int iov_log_entry(struct iov_ctx *ctx, struct iov_log *log, uint64_t index, struct iov_buf *ret)
{
	const char *entry;
	size_t len;
	tile_of(log, IOV_TILE_ENTRIES, index / IOV_TILE_WIDTH);
	int rc = fetch_wanted(ctx, log);
	if (rc)
		return rc;
	struct iov_log_tile *tile = tile_of(log, IOV_TILE_ENTRIES, index / IOV_TILE_WIDTH);
	if (index >= log->size || !find_entry(&tile->data, index % IOV_TILE_WIDTH, &entry, &len))
		return iov_error(ctx, IOV_E_UNTRUSTED,
				 "the log's entry bundles do not hold entry %llu; tell the registry's host",
				 (unsigned long long)index);
	iov_buf_add(ret, entry, len);
	return iov_buf_failed(ret) ? iov_oom(ctx) : IOV_OK;
}

int iov_log_prove_entry(struct iov_ctx *ctx, struct iov_log *log, uint64_t index, struct iov_buf *ret,
			struct iov_proof *ret_proof)
{
	if (index < log->size)
		tile_of(log, IOV_TILE_ENTRIES, index / IOV_TILE_WIDTH); /* wanted along with the hashes */
	int rc = iov_log_prove_included(ctx, log, index, ret_proof);
	return rc ? rc : iov_log_entry(ctx, log, index, ret);
}

/* ---- appending ---- */

static int remove_partials(struct iov_ctx *ctx, const struct iov_tile *full, struct iov_changes *changes)
{
	int rc = IOV_OK;
	struct iov_tile partial = *full;
	for (partial.width = 1; !rc && partial.width < IOV_TILE_WIDTH; partial.width++) {
		char name[IOV_TILE_PATH_MAX];
		iov_tile_path(&partial, name);
		rc = iov_changes_remove(ctx, changes, name);
	}
	return rc;
}

/* Adds one hash or entry to the last tile of a level; what comes next to the level above when that filled a tile of
 * hashes. */
static int grow(struct iov_ctx *ctx, struct iov_log *log, unsigned level, const void *data, size_t len,
		struct iov_changes *changes, struct iov_hash *ret_above, bool *ret_full)
{
	uint64_t count = iov_tile_hashes(level, log->size);
	struct iov_log_tile *tile = tile_of(log, level, count / IOV_TILE_WIDTH);
	if (!tile)
		return iov_oom(ctx);
	char name[IOV_TILE_PATH_MAX];
	tile->tile.width = count % IOV_TILE_WIDTH + 1;
	iov_buf_add(&tile->data, data, len);
	if (iov_buf_failed(&tile->data))
		return iov_oom(ctx);
	iov_tile_path(&tile->tile, name);
	int rc = iov_changes_put(ctx, changes, name, tile->data.data, tile->data.len);
	*ret_full = tile->tile.width == IOV_TILE_WIDTH;
	if (rc || !*ret_full)
		return rc;
	if (level != IOV_TILE_ENTRIES)
		*ret_above = fold(tile->data.data, IOV_TILE_WIDTH);
	return remove_partials(ctx, &tile->tile, changes);
}

/* The tiles at the right edge, without those that begin with this entry. */
static int fetch_edge(struct iov_ctx *ctx, struct iov_log *log)
{
	for (unsigned level = 0; level <= IOV_TILE_LEVELS; level++) {
		unsigned real = level == IOV_TILE_LEVELS ? IOV_TILE_ENTRIES : level;
		uint64_t count = iov_tile_hashes(real, log->size);
		if (count % IOV_TILE_WIDTH)
			tile_of(log, real, count / IOV_TILE_WIDTH);
	}
	return fetch_wanted(ctx, log);
}

static int append_entry(struct iov_ctx *ctx, struct iov_log *log, const void *data, size_t len,
			struct iov_changes *changes)
{
	bool full = false;
	iov_auto(iov_buf_release) struct iov_buf entry = {0};
	iov_buf_add(&entry, (const char[]){(char)(len >> 8), (char)len}, 2);
	iov_buf_add(&entry, data, len);
	if (iov_buf_failed(&entry))
		return iov_oom(ctx);
	return grow(ctx, log, IOV_TILE_ENTRIES, entry.data, entry.len, changes, NULL, &full);
}

int iov_log_append(struct iov_ctx *ctx, struct iov_log *log, const void *data, size_t len, struct iov_changes *changes)
{
	if (len > UINT16_MAX)
		return iov_error(ctx, IOV_E_INPUT,
				 "a log entry of %zu bytes is longer than the 65535 that tlog-tiles allows", len);
	int rc = fetch_edge(ctx, log);
	if (!rc)
		rc = append_entry(ctx, log, data, len, changes);
	struct iov_hash hash = iov_merkle_leaf(data, (uint16_t)len);
	bool full = true;
	for (unsigned level = 0; !rc && full && level < IOV_TILE_LEVELS; level++) {
		struct iov_hash above = {{0}};
		full = false;
		rc = grow(ctx, log, level, hash.bytes, sizeof(hash.bytes), changes, &above, &full);
		hash = above;
	}
	log->size++;
	return rc;
}
