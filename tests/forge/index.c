#include "forge.h"

#include <stdio.h>
#include <string.h>

#include "registry/listing.h"
#include "util/cleanup.h"

static void unlist(struct iov_listing *listing, const char *name)
{
	for (size_t i = 0; i < listing->count; i++)
		if (!strcmp(listing->items[i].name, name)) {
			memmove(listing->items + i, listing->items + i + 1,
				(--listing->count - i) * sizeof(*listing->items));
			return;
		}
}

/* The listing at `path` with `name` as the file `listed` is now. */
static int relist(struct iov_ctx *ctx, const char *tree, const char *path, const char *name, const char *listed)
{
	iov_auto(iov_listing_release) struct iov_listing listing = {0};
	struct iov_buf files[2] = {{0}};
	iov_auto(iov_buf_release) struct iov_buf text = {0};
	const struct iov_source source = forge_source(tree);
	int rc = source.read(ctx, &source, (const char *const[]){path, listed}, 2, 0, files);
	if (!rc && files[0].data)
		rc = iov_listing_parse(ctx, path, files[0].data, files[0].len, &listing);
	if (!rc && files[1].data)
		rc = iov_listing_set(ctx, &listing, name, files[1].data, files[1].len);
	else
		unlist(&listing, name);
	if (!rc)
		rc = iov_listing_text(ctx, &listing, &text);
	iov_bufs_release(files, 2);
	return rc ? rc : forge_write(ctx, tree, path, text.data, text.len);
}

int forge_list(struct forge *forge)
{
	const char *tree = "", *name;
	int rc = forge_word(forge, "tree", &tree);
	while (!rc && forge->n_words) {
		struct iov_index_place place;
		rc = forge_word(forge, "name", &name);
		iov_index_place(name, &place);
		if (!rc)
			rc = relist(forge->ctx, tree, place.shard_path, name, place.index_path);
		if (!rc)
			rc = relist(forge->ctx, tree, IOV_TOP_PATH, place.shard, place.shard_path);
	}
	return rc;
}

int forge_place(struct forge *forge)
{
	const char *name = "";
	struct iov_index_place place;
	int rc = forge_word(forge, "name", &name);
	iov_index_place(name, &place);
	if (!rc)
		printf("%s %s\n", place.shard_path, place.index_path);
	return rc;
}
