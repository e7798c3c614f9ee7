#include "registry/tile.h"

#include <stdio.h>

/* 1234067 as "x001/x234/067": never both a file and a folder of one name. */
static size_t put_index(uint64_t index, char *ret, size_t size)
{
	uint64_t unit = 1;
	size_t len = 0;
	while (index / unit >= 1000)
		unit *= 1000;
	for (; unit > 1; unit /= 1000)
		len += (size_t)snprintf(ret + len, size - len, "x%03u/", (unsigned)(index / unit % 1000));
	return len + (size_t)snprintf(ret + len, size - len, "%03u", (unsigned)(index % 1000));
}

void iov_tile_path(const struct iov_tile *tile, char ret[IOV_TILE_PATH_MAX])
{
	size_t len;
	if (tile->level == IOV_TILE_ENTRIES)
		len = (size_t)snprintf(ret, IOV_TILE_PATH_MAX, "tile/entries/");
	else
		len = (size_t)snprintf(ret, IOV_TILE_PATH_MAX, "tile/%u/", tile->level);
	len += put_index(tile->index, ret + len, IOV_TILE_PATH_MAX - len);
	if (tile->width < IOV_TILE_WIDTH)
		snprintf(ret + len, IOV_TILE_PATH_MAX - len, ".p/%u", tile->width);
}

uint64_t iov_tile_hashes(unsigned level, uint64_t size)
{
	if (level == IOV_TILE_ENTRIES)
		return size;
	return level >= IOV_TILE_LEVELS ? 0 : size >> (8 * level);
}

struct iov_tile iov_tile_at(unsigned level, uint64_t index, uint64_t size)
{
	uint64_t hashes = iov_tile_hashes(level, size);
	struct iov_tile tile = {.level = level, .index = index};
	if (index < hashes / IOV_TILE_WIDTH)
		tile.width = IOV_TILE_WIDTH;
	else if (index == hashes / IOV_TILE_WIDTH)
		tile.width = hashes % IOV_TILE_WIDTH;
	return tile;
}
