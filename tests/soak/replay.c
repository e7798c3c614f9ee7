/*
 * The power is cut: what a disk still has of what was written to it. Reads the log that QEMU's blklogwrites driver kept
 * (the format of the kernel's dm-log-writes, little-endian) and writes to the image, as it was when the log began,
 * everything up to the last flush; of what came later, each piece of 4 KiB is there or not, as a disk's own cache loses
 * it.
 *
 *   replay LOG IMAGE SEED     prints: WRITES-KEPT FLUSHES PIECES-KEPT PIECES-LOST
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC 0x6a736677736872ull
#define PIECE 4096
enum { FLUSH = 1, FUA = 2, DISCARD = 4, MARK = 8 };

struct super {
	uint64_t magic, version, entries;
	uint32_t sector_size;
};

struct entry {
	uint64_t sector, sectors, flags, data_len;
};

struct log {
	int fd;
	uint64_t size, sector_size, at;
};

struct kept {
	unsigned long writes, flushes, pieces, lost;
};

/* The next entry, and where its data stands; false at the end. The count in the head is not asked: it is of some flush
 * ago. */
static bool next(struct log *log, struct entry *entry, uint64_t *data)
{
	if (pread(log->fd, entry, sizeof(*entry), (off_t)log->at) != sizeof(*entry))
		return false;
	bool has_data = !(entry->flags & (DISCARD | MARK));
	uint64_t length = has_data ? entry->sectors * log->sector_size : entry->data_len;
	*data = log->at + log->sector_size;
	/* Entries are written side by side: one that is not there yet is a hole. */
	if ((!entry->flags && !entry->sectors) || *data + length > log->size)
		return false;
	log->at = *data + (length + log->sector_size - 1) / log->sector_size * log->sector_size;
	return true;
}

static void keep(const struct log *log, int image, const struct entry *entry, uint64_t data, bool sure,
		 struct kept *kept)
{
	unsigned char piece[PIECE];
	uint64_t to = entry->sector * log->sector_size, left = entry->sectors * log->sector_size;
	while (left) {
		size_t len = left < PIECE ? left : PIECE;
		if (!sure && random() % 2) {
			kept->lost++;
		} else {
			if (pread(log->fd, piece, len, (off_t)data) != (ssize_t)len ||
			    pwrite(image, piece, len, (off_t)to) != (ssize_t)len)
				err(1, "replay");
			kept->pieces += !sure;
		}
		data += len, to += len, left -= len;
	}
	kept->writes += sure;
}

static void replay(struct log *log, int image, uint64_t sure_until, struct kept *kept)
{
	struct entry entry;
	uint64_t data;
	while (next(log, &entry, &data))
		if (!(entry.flags & (DISCARD | MARK)) && entry.sectors)
			keep(log, image, &entry, data, data <= sure_until, kept);
}

/* Where the last flush ends. */
static uint64_t last_flush(struct log *log, struct kept *kept)
{
	struct entry entry;
	uint64_t data, last = 0;
	while (next(log, &entry, &data))
		if (entry.flags & (FLUSH | FUA)) {
			last = log->at;
			kept->flushes++;
		}
	return last;
}

int main(int argc, char **argv)
{
	struct super super;
	struct kept kept = {0};
	if (argc != 4)
		errx(2, "usage: replay LOG IMAGE SEED");
	struct log log = {.fd = open(argv[1], O_RDONLY)};
	int image = open(argv[2], O_WRONLY);
	if (log.fd < 0 || image < 0)
		err(1, "replay: %s", log.fd < 0 ? argv[1] : argv[2]);
	if (pread(log.fd, &super, sizeof(super), 0) != sizeof(super) || super.magic != MAGIC || !super.sector_size)
		errx(1, "replay: %s is no log of writes", argv[1]);
	log.size = (uint64_t)lseek(log.fd, 0, SEEK_END);
	log.sector_size = super.sector_size;
	srandom((unsigned)atoi(argv[3]));

	log.at = log.sector_size;
	uint64_t sure_until = last_flush(&log, &kept);
	log.at = log.sector_size;
	replay(&log, image, sure_until, &kept);
	if (fsync(image))
		err(1, "replay");
	printf("%lu %lu %lu %lu\n", kept.writes, kept.flushes, kept.pieces, kept.lost);
	return 0;
}
