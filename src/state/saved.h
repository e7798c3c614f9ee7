/*
 * Saved maps: <state>/saved/<instance>/<map>.map, the entries of a map that its manifest names under `persist`, as they
 * were at the last `iovpkg save`. docs/saved-maps.md has the format. A file is whole or absent: written aside, synced,
 * renamed. What cannot be used is kept as <map>.bad, so that nobody loses what might still be read by hand.
 */
#ifndef IOV_STATE_SAVED_H
#define IOV_STATE_SAVED_H

#include "core/digest.h"
#include "core/generation.h"

#define IOV_SAVED_HEADER_MAX (1024 * 1024)     /* bytes; a layout has at most 4096 members */
#define IOV_SAVED_ENTRY_MAX (64 * 1024 * 1024) /* bytes of one entry, held in memory */
#define IOV_SAVED_CPUS_MAX 8192		       /* as many as a kernel can be built for */

/* ---- files ---- */

char *iov_saved_path(const struct iov_ctx *ctx, const char *instance, const char *map); /* owned; NULL: no memory */
/* Out of the way, under a name that no restore looks at. Tells where. */
int iov_saved_set_aside(struct iov_ctx *ctx, const char *path);
/* Removes what belongs to no instance of the generation, and maps that are not under `persist` any more. */
int iov_saved_collect(struct iov_ctx *ctx, const struct iov_generation *generation);

/* ---- writing ---- */

struct iov_saved_writer {
	struct iov_ctx *ctx;
	char *path, *temporary; /* owned */
	int fd;
	struct iov_digest *digest;
	struct iov_buf buffer; /* not yet written */
	uint64_t entries;
};

/* `cpus`: how many values an entry has, 1 unless the map is per CPU. */
int iov_saved_create(struct iov_ctx *ctx, const char *path, const struct iov_object_map *map, uint32_t cpus,
		     struct iov_saved_writer *ret);
/* The part of an entry that comes next: the key, then one value after the other. */
int iov_saved_add(struct iov_saved_writer *writer, const void *data, size_t len);
int iov_saved_finish(struct iov_saved_writer *writer);
/* For iov_auto(): without finish, nothing was written. */
void iov_saved_writer_release(struct iov_saved_writer *writer);

/* ---- reading ---- */

struct iov_saved_reader {
	struct iov_ctx *ctx;
	char *path; /* owned */
	int fd;
	struct iov_object *object;	  /* holds `map`; owned */
	const struct iov_object_map *map; /* as it was */
	uint32_t cpus;
	uint64_t entries; /* left to read */
	size_t entry_size;
	uint64_t size; /* of the file */
	struct iov_buf buffer;
	size_t at; /* in the buffer */
};

/* Reads the whole file once, so that not one entry of a damaged file is used: IOV_E_INPUT says what is wrong with it.
 * IOV_E_NOT_FOUND: there is none. */
int iov_saved_open(struct iov_ctx *ctx, const char *path, struct iov_saved_reader *ret);
/* The next entry: key, then `cpus` values; borrowed until the next call. NULL after the last. */
int iov_saved_next(struct iov_saved_reader *reader, const unsigned char **ret);
void iov_saved_reader_release(struct iov_saved_reader *reader);

#endif
