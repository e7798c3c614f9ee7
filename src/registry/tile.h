/*
 * Names of tiles (https://c2sp.org/tlog-tiles): 256 hashes of one tree level, "tile/<L>/<N>", or fewer at the right
 * edge, "….p/<W>". Tile level L holds tree level 8 * L; the levels between are computed from the tile.
 */
#ifndef IOV_REGISTRY_TILE_H
#define IOV_REGISTRY_TILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOV_TILE_WIDTH 256
#define IOV_TILE_LEVELS 8    /* of tiles, for a tree of up to 2^64 leaves */
#define IOV_TILE_ENTRIES 255 /* the "level" of entry bundles */
#define IOV_TILE_PATH_MAX 64 /* bytes of a path, with its terminator */

struct iov_tile {
	unsigned level; /* or IOV_TILE_ENTRIES */
	uint64_t index;
	unsigned width; /* hashes or entries in it: 1 .. 256 */
};

void iov_tile_path(const struct iov_tile *tile, char ret[IOV_TILE_PATH_MAX]);
/* How many hashes tile level `level` has, all tiles together, in a tree of `size` leaves. */
uint64_t iov_tile_hashes(unsigned level, uint64_t size);
/* The tile number `index` of a level as a tree of `size` leaves has it; width 0: there is none. */
struct iov_tile iov_tile_at(unsigned level, uint64_t index, uint64_t size);

#endif
