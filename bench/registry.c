/*
 * A registry of any size, for measuring: the next commit of an empty registry, with MODULES modules of RELEASES
 * releases each, as a stream for `git fast-import`. All of it is signed and fits together, but for two things: there
 * are no archives, and the entries of the log name the index manifest as it is at the end.
 *
 *   bench/registry REPOSITORY KEY INDEX MODULES RELEASES [DIGESTS] | git -C REPOSITORY fast-import
 *
 * KEY is the registry's key file, INDEX an index file whose first release all others are made like. Modules are named
 * "module-000000" and on; of each four, the first three depend on the one after them.
 *
 * With DIGESTS, the stream also has a commit for each release that stands for its archive, with the marks 1 and on, and
 * the file gets the names of the refs that are for them, in the same order, which is that of git's packed-refs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry/clock.h"
#include "registry/host.h"
#include "registry/tile.h"
#include "sign/keyfile.h"
#include "util/cleanup.h"
#include "util/fs.h"

struct entry {
	uint8_t archive[IOV_DIGEST_SIZE], record[IOV_DIGEST_SIZE];
};

struct many {
	struct iov_ctx *ctx;
	struct iov_host host;
	struct iov_signer signer;
	char *record; /* with @NAME@, @VERSION@, @ARCHIVE@ and @NEEDS@ in it */
	size_t modules, releases;
	char now[IOV_TIME_SIZE];
	struct iov_listing shards[256];
	struct entry *entries;
};

/* ---- the stream ---- */

static void put(const char *path, const void *data, size_t len)
{
	printf("M 100644 inline %s\ndata %zu\n", path, len);
	fwrite(data, 1, len, stdout);
	putchar('\n');
}

/* ---- a record like the one that was given ---- */

static int read_template(struct many *many, const char *path)
{
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	iov_auto(iov_json_release) json_t *line = NULL;
	int err = iov_fs_read(path, IOV_INDEX_MAX, &text);
	if (err)
		return iov_error_errno(many->ctx, err, "cannot read '%s'", path);
	int rc = iov_json_parse(many->ctx, path, text.data, strcspn(text.data, "\n"), IOV_INDEX_LINE_MAX, &line);
	if (rc)
		return rc;
	json_t *record = json_object_get(line, "release"), *manifest = json_object_get(record, "manifest");
	json_object_set_new(manifest, "name", json_string("@NAME@"));
	json_object_set_new(manifest, "version", json_string("@VERSION@"));
	json_object_set_new(manifest, "dependencies", json_pack("{s:s}", "@NEEDS@", "^1.0"));
	json_object_set_new(json_object_get(record, "archive"), "sha256", json_string("@ARCHIVE@"));
	many->record = iov_json_canonical(record);
	return many->record ? IOV_OK : iov_oom(many->ctx);
}

static void fill(struct iov_buf *to, const char *template, const char *const words[4])
{
	static const char *const tokens[] = {"@NAME@", "@VERSION@", "@ARCHIVE@", "\"@NEEDS@\":\"^1.0\""};
	for (const char *at = template; *at;) {
		size_t len = strcspn(at, "@\"");
		iov_buf_add(to, at, len);
		at += len;
		size_t i = 0;
		while (i < IOV_COUNT(tokens) && strncmp(at, tokens[i], strlen(tokens[i])) != 0)
			i++;
		if (i < IOV_COUNT(tokens)) {
			iov_buf_puts(to, words[i]);
			at += strlen(tokens[i]);
		} else if (*at) {
			iov_buf_add(to, at++, 1);
		}
	}
}

static void name_of(size_t module, char ret[32])
{
	snprintf(ret, 32, "module-%06zu", module);
}

/* ---- index files, shards, manifest/top ---- */

static int add_line(struct many *many, size_t module, size_t release, struct iov_buf *to)
{
	char name[32], next[32], needs[64] = "", version[32], archive[IOV_HEX_SIZE], what[80];
	struct entry *entry = &many->entries[module * many->releases + release];
	iov_auto(iov_buf_release) struct iov_buf record = {0};
	iov_auto(iov_free_ptr) char *signature = NULL;
	name_of(module, name);
	name_of(module + 1, next);
	snprintf(version, sizeof(version), "1.%zu.0", release);
	if (module % 4 != 3 && module + 1 < many->modules)
		snprintf(needs, sizeof(needs), "\"%s\":\"^1.0\"", next);
	snprintf(what, sizeof(what), "%s %s", name, version);
	iov_sha256(what, strlen(what), entry->archive);
	iov_hex(entry->archive, sizeof(entry->archive), archive);
	const char *const words[] = {name, version, archive, needs};
	fill(&record, many->record, words);
	iov_buf_puts(&record, "\n");
	if (iov_buf_failed(&record))
		return iov_oom(many->ctx);
	iov_sha256(record.data, record.len, entry->record);
	int rc = iov_note_sign_line(many->ctx, &many->signer, record.data, record.len, &signature);
	iov_buf_printf(to, "{\"log\":%zu,\"published\":\"%s\",\"release\":", module * many->releases + release,
		       many->now);
	iov_buf_add(to, record.data, record.len - 1);
	iov_buf_printf(to, ",\"signatures\":[\"%s\"],\"yanked\":null}\n", signature ? signature : "");
	return rc ? rc : iov_buf_failed(to) ? iov_oom(many->ctx) : IOV_OK;
}

/* Names come in their order, so a shard's lines do too. */
static int list(struct many *many, const char *name, const struct iov_index_place *place, const struct iov_buf *index)
{
	struct iov_listing *shard = &many->shards[strtoul(place->shard, NULL, 16)];
	struct iov_listed *items = realloc(shard->items, (shard->count + 1) * sizeof(*items));
	if (!items)
		return iov_oom(many->ctx);
	shard->items = items;
	struct iov_listed *item = &items[shard->count++];
	*item = (struct iov_listed){.size = index->len};
	snprintf(item->name, sizeof(item->name), "%s", name);
	iov_sha256_hex(index->data, index->len, item->sha256);
	return IOV_OK;
}

static int make_module(struct many *many, size_t module)
{
	char name[32];
	struct iov_index_place place;
	iov_auto(iov_buf_release) struct iov_buf index = {0};
	int rc = IOV_OK;
	for (size_t i = 0; !rc && i < many->releases; i++)
		rc = add_line(many, module, i, &index);
	if (rc)
		return rc;
	name_of(module, name);
	iov_index_place(name, &place);
	put(place.index_path, index.data, index.len);
	return list(many, name, &place, &index);
}

static int make_manifest(struct many *many)
{
	iov_auto(iov_buf_release) struct iov_buf top = {0};
	int rc = IOV_OK;
	for (unsigned i = 0; !rc && i < 256; i++) {
		char name[3], path[IOV_INDEX_PATH_MAX];
		iov_auto(iov_buf_release) struct iov_buf text = {0};
		if (!many->shards[i].count)
			continue;
		snprintf(name, sizeof(name), "%02x", i);
		snprintf(path, sizeof(path), "manifest/%s", name);
		rc = iov_listing_text(many->ctx, &many->shards[i], &text);
		if (!rc)
			rc = iov_listing_set(many->ctx, &many->host.top, name, text.data, text.len);
		if (!rc)
			put(path, text.data, text.len);
	}
	if (!rc)
		rc = iov_listing_text(many->ctx, &many->host.top, &top);
	if (rc)
		return rc;
	put(IOV_TOP_PATH, top.data, top.len);
	iov_sha256_hex(top.data, top.len, many->host.head.manifest);
	many->host.head.manifest_size = top.len;
	return IOV_OK;
}

/* ---- the log ---- */

static void put_tile(unsigned level, uint64_t index, uint64_t count, const void *data, size_t len)
{
	char path[IOV_TILE_PATH_MAX];
	struct iov_tile tile = {level, index, (unsigned)count};
	iov_tile_path(&tile, path);
	put(path, data, len);
}

static void add_leaf(const struct many *many, size_t at, struct iov_buf *bundle, struct iov_hash *ret)
{
	char leaf[1024], name[32], archive[IOV_HEX_SIZE], record[IOV_HEX_SIZE];
	name_of(at / many->releases, name);
	iov_hex(many->entries[at].archive, IOV_DIGEST_SIZE, archive);
	iov_hex(many->entries[at].record, IOV_DIGEST_SIZE, record);
	int len = snprintf(
		leaf, sizeof(leaf),
		"{\"archive\":\"%s\",\"kind\":\"publish\",\"manifest\":\"%s\",\"name\":\"%s\",\"record\":\"%s\","
		"\"time\":\"%s\",\"version\":\"1.%zu.0\"}",
		archive, many->host.head.manifest, name, record, many->now, at % many->releases);
	iov_buf_add(bundle, (const char[]){(char)(len >> 8), (char)len}, 2);
	iov_buf_add(bundle, leaf, (size_t)len);
	*ret = iov_merkle_leaf(leaf, (uint16_t)len);
}

static void make_entries(const struct many *many, struct iov_hash *leaves, size_t count)
{
	for (size_t at = 0; at < count; at += IOV_TILE_WIDTH) {
		size_t some = count - at < IOV_TILE_WIDTH ? count - at : IOV_TILE_WIDTH;
		iov_auto(iov_buf_release) struct iov_buf bundle = {0};
		for (size_t i = 0; i < some; i++)
			add_leaf(many, at + i, &bundle, &leaves[at + i]);
		put_tile(IOV_TILE_ENTRIES, at / IOV_TILE_WIDTH, some, bundle.data, bundle.len);
	}
}

static struct iov_hash root_of(const struct iov_hash *leaves, uint64_t count)
{
	if (count == 1)
		return leaves[0];
	uint64_t left = iov_merkle_split(count);
	struct iov_hash a = root_of(leaves, left), b = root_of(leaves + left, count - left);
	return iov_merkle_node(&a, &b);
}

/* Tiles of one level; each full one becomes a hash of the level above, in place. */
static size_t make_tiles(unsigned level, struct iov_hash *hashes, size_t count)
{
	size_t full = count / IOV_TILE_WIDTH;
	for (size_t i = 0; i * IOV_TILE_WIDTH < count; i++) {
		size_t at = i * IOV_TILE_WIDTH, some = i < full ? IOV_TILE_WIDTH : count - at;
		put_tile(level, i, some, hashes + at, some * sizeof(*hashes));
		if (i < full)
			hashes[i] = root_of(hashes + at, IOV_TILE_WIDTH);
	}
	return full;
}

static int make_log(struct many *many)
{
	size_t count = many->modules * many->releases;
	iov_auto(iov_free_ptr) struct iov_hash *hashes = calloc(count + 1, sizeof(*hashes));
	if (!hashes)
		return iov_oom(many->ctx);
	make_entries(many, hashes, count);
	many->host.head.log_size = count;
	many->host.head.log_root = root_of(hashes, count);
	for (unsigned level = 0; count && level < IOV_TILE_LEVELS; level++)
		count = make_tiles(level, hashes, count);
	return IOV_OK;
}

/* ---- what stands for archives ---- */

static int by_archive(const void *a, const void *b)
{
	return memcmp(((const struct entry *)a)->archive, ((const struct entry *)b)->archive, IOV_DIGEST_SIZE);
}

/* Last of all, since it puts the entries in another order. */
static int make_archives(struct many *many, const char *path)
{
	size_t count = many->modules * many->releases;
	FILE *digests = fopen(path, "w");
	if (!digests)
		return iov_error_errno(many->ctx, errno, "cannot make '%s'", path);
	qsort(many->entries, count, sizeof(*many->entries), by_archive);
	for (size_t i = 0; i < count; i++) {
		char hex[IOV_HEX_SIZE];
		iov_hex(many->entries[i].archive, IOV_DIGEST_SIZE, hex);
		printf("reset refs/archive\n\ncommit refs/archive\nmark :%zu\ncommitter bench <bench> 0 +0000\n"
		       "data 0\n",
		       i + 1);
		put("archive", hex, strlen(hex));
		fprintf(digests, "refs/packages/%s\n", hex);
	}
	return fclose(digests) ? iov_error_errno(many->ctx, errno, "cannot write '%s'", path) : IOV_OK;
}

/* ---- all of it ---- */

static int make_head(struct many *many)
{
	struct iov_head *head = &many->host.head;
	iov_auto(iov_buf_release) struct iov_buf note = {0};
	iov_auto(iov_buf_release) struct iov_buf checkpoint = {0};
	head->version++;
	head->issued = time(NULL);
	head->expires = head->issued + (int64_t)IOV_HEAD_DAYS * IOV_DAY;
	int rc = iov_head_make(many->ctx, head, many->host.root, &many->signer, &note);
	if (!rc)
		rc = iov_checkpoint_make(many->ctx, head, many->host.root, &many->signer, &checkpoint);
	if (rc)
		return rc;
	put(IOV_HEAD_PATH, note.data, note.len);
	put(IOV_CHECKPOINT_PATH, checkpoint.data, checkpoint.len);
	return IOV_OK;
}

static int make(struct many *many, const char *digests)
{
	int rc = IOV_OK;
	printf("commit " IOV_MAIN_REF "\ncommitter bench <bench> %lld +0000\ndata 4\nmany\nfrom " IOV_MAIN_REF "^0\n",
	       (long long)time(NULL));
	for (size_t i = 0; !rc && i < many->modules; i++)
		rc = make_module(many, i);
	if (!rc)
		rc = make_manifest(many);
	if (!rc)
		rc = make_log(many);
	rc = rc ? rc : make_head(many);
	return rc || !digests ? rc : make_archives(many, digests);
}

static int open_all(struct many *many, char **argv)
{
	many->modules = strtoul(argv[4], NULL, 10);
	many->releases = strtoul(argv[5], NULL, 10);
	if (!many->modules || !many->releases)
		return iov_error(many->ctx, IOV_E_USAGE, "one module of one release is the least");
	iov_time_text(time(NULL), many->now);
	many->entries = calloc(many->modules * many->releases, sizeof(*many->entries));
	int rc = many->entries ? iov_host_open(many->ctx, argv[1], &many->host) : iov_oom(many->ctx);
	if (!rc && many->host.head.log_size)
		rc = iov_error(many->ctx, IOV_E_USAGE, "'%s' has releases already; make a new registry", argv[1]);
	if (!rc)
		rc = iov_signer_load(many->ctx, argv[2], &many->signer);
	return rc ? rc : read_template(many, argv[3]);
}

int main(int argc, char **argv)
{
	struct many many = {.modules = 0};
	const struct iov_config config = {.worker = getenv("IOVPKG_WORKER")};
	if (argc != 6 && argc != 7) {
		fputs("usage: bench/registry REPOSITORY KEY INDEX MODULES RELEASES [DIGESTS] | git fast-import\n",
		      stderr);
		return 2;
	}
	int rc = iov_ctx_new(&config, &many.ctx);
	rc = rc ? rc : open_all(&many, argv);
	rc = rc ? rc : make(&many, argv[6]);
	if (rc)
		fprintf(stderr, "bench/registry: %s\n", iov_error_text(many.ctx));
	for (size_t i = 0; i < IOV_COUNT(many.shards); i++)
		iov_listing_release(&many.shards[i]);
	iov_host_release(&many.host);
	iov_signer_release(&many.signer);
	free(many.record);
	free(many.entries);
	iov_ctx_free(many.ctx);
	return rc;
}
