#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/saved.h"
#include "state/saved_format.h"
#include "util/cleanup.h"

#define CHUNK (256 * 1024) /* bytes read at once */
#define FOOTER (IOV_SAVED_NUMBERS + IOV_DIGEST_SIZE)
#define HEAD (IOV_SAVED_MAGIC_SIZE + IOV_SAVED_NUMBERS)

static int damaged(const struct iov_saved_reader *reader, const char *what)
{
	return iov_error(reader->ctx, IOV_E_INPUT, "'%s' is damaged: %s", reader->path, what);
}

static int cannot_read(const struct iov_saved_reader *reader, int err)
{
	return iov_error_errno(reader->ctx, err, "cannot read the saved map '%s'", reader->path);
}

/* Exactly so many bytes. */
static int read_all(const struct iov_saved_reader *reader, void *ret, size_t len)
{
	for (char *at = ret; len;) {
		ssize_t got = read(reader->fd, at, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cannot_read(reader, errno);
		if (!got)
			return damaged(reader, "it ends too early");
		at += got;
		len -= (size_t)got;
	}
	return IOV_OK;
}

static int open_file(struct iov_saved_reader *reader)
{
	struct stat st;
	reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (reader->fd < 0 && errno == ENOENT)
		return iov_error(reader->ctx, IOV_E_NOT_FOUND, "nothing is saved as '%s'", reader->path);
	if (reader->fd < 0 || fstat(reader->fd, &st))
		return cannot_read(reader, errno);
	if (!S_ISREG(st.st_mode))
		return damaged(reader, "it is no file");
	reader->size = (uint64_t)st.st_size;
	return reader->size > HEAD + FOOTER ? IOV_OK : damaged(reader, "it is too short");
}

static void free_digest(struct iov_digest **digest)
{
	iov_digest_free(*digest);
}

/* The digest of all but itself, and the count before it. */
static int check_digest(struct iov_saved_reader *reader)
{
	uint8_t wanted[IOV_DIGEST_SIZE], is[IOV_DIGEST_SIZE];
	iov_auto(free_digest) struct iov_digest *digest = NULL;
	iov_auto(iov_free_ptr) char *chunk = malloc(CHUNK);
	int rc = chunk ? iov_digest_new(reader->ctx, &digest) : iov_oom(reader->ctx);
	for (uint64_t left = reader->size - sizeof(wanted); !rc && left;) {
		size_t part = left < CHUNK ? (size_t)left : CHUNK;
		rc = read_all(reader, chunk, part);
		if (!rc)
			iov_digest_add(digest, chunk, part);
		left -= part;
	}
	if (!rc)
		rc = read_all(reader, wanted, sizeof(wanted));
	if (rc)
		return rc;
	iov_digest_end(digest, is);
	return memcmp(is, wanted, sizeof(is)) ? damaged(reader, "its digest is another") : IOV_OK;
}

static int seek(const struct iov_saved_reader *reader, uint64_t to)
{
	return lseek(reader->fd, (off_t)to, SEEK_SET) < 0 ? cannot_read(reader, errno) : IOV_OK;
}

static int check_machine(const struct iov_saved_reader *reader, const json_t *header)
{
	const char *byte_order = NULL;
	uint64_t schema = 0;
	int rc = iov_json_get_uint(reader->ctx, reader->path, header, "schema", &schema);
	if (!rc && schema != IOV_SAVED_SCHEMA)
		return iov_error(reader->ctx, IOV_E_UNSUPPORTED, "'%s' was written by a newer iovpkg; use that one",
				 reader->path);
	if (!rc)
		rc = iov_json_get_string(reader->ctx, reader->path, header, "byte_order", &byte_order);
	if (!rc && strcmp(byte_order, IOV_SAVED_BYTE_ORDER) != 0)
		return iov_error(reader->ctx, IOV_E_UNSUPPORTED,
				 "'%s' comes from a machine with another byte order; it cannot be used here",
				 reader->path);
	return rc;
}

/* The map's description is read as an object's would be that has just this map. */
static int take_map(struct iov_saved_reader *reader, const json_t *header)
{
	json_t *map = NULL;
	uint64_t cpus = 0;
	int rc = iov_json_get_object(reader->ctx, reader->path, header, "map", &map);
	if (!rc)
		rc = iov_json_get_uint(reader->ctx, reader->path, header, "cpus", &cpus);
	if (!rc && (!cpus || cpus > IOV_SAVED_CPUS_MAX))
		return damaged(reader, "'cpus' is out of range");
	if (rc)
		return rc;
	iov_auto(iov_json_release) json_t *object =
		json_pack("{s:s, s:[], s:[O]}", "license", "", "programs", "maps", map);
	if (!object)
		return iov_oom(reader->ctx);
	rc = iov_object_from_json(reader->ctx, object, &reader->object);
	if (rc)
		return iov_error_prefix(reader->ctx, "'%s'", reader->path);
	reader->map = &reader->object->maps[0];
	reader->cpus = (uint32_t)cpus;
	return IOV_OK;
}

static int read_header(struct iov_saved_reader *reader, uint64_t *ret_end)
{
	unsigned char head[HEAD];
	iov_auto(iov_json_release) json_t *header = NULL;
	iov_auto(iov_free_ptr) char *text = NULL;
	int rc = read_all(reader, head, sizeof(head));
	if (rc)
		return rc;
	uint64_t len = iov_saved_get_number(head + IOV_SAVED_MAGIC_SIZE);
	if (memcmp(head, IOV_SAVED_MAGIC, IOV_SAVED_MAGIC_SIZE) != 0)
		return damaged(reader, "it is no saved map");
	if (len > IOV_SAVED_HEADER_MAX || len > reader->size - HEAD - FOOTER)
		return damaged(reader, "its header is too long");
	text = malloc(len + 1);
	if (!text)
		return iov_oom(reader->ctx);
	rc = read_all(reader, text, len);
	text[len] = '\0';
	if (!rc)
		rc = iov_json_parse(reader->ctx, reader->path, text, len, IOV_SAVED_HEADER_MAX, &header);
	if (!rc)
		rc = check_machine(reader, header);
	if (!rc)
		rc = take_map(reader, header);
	*ret_end = HEAD + len;
	return rc;
}

/* The entries fill what is between header and footer exactly. */
static int measure(struct iov_saved_reader *reader, uint64_t start)
{
	unsigned char count[IOV_SAVED_NUMBERS];
	uint64_t room = reader->size - start - FOOTER;
	uint64_t entry = reader->map->key_size + (uint64_t)reader->map->value_size * reader->cpus;
	int rc = seek(reader, reader->size - FOOTER);
	if (!rc)
		rc = read_all(reader, count, sizeof(count));
	if (rc)
		return rc;
	reader->entries = iov_saved_get_number(count);
	if (!reader->map->key_size || !reader->map->value_size || entry > IOV_SAVED_ENTRY_MAX)
		return damaged(reader, "its entries have no possible size");
	if (room % entry || room / entry != reader->entries)
		return damaged(reader, "it does not hold as many entries as it says");
	reader->entry_size = (size_t)entry;
	return seek(reader, start);
}

int iov_saved_open(struct iov_ctx *ctx, const char *path, struct iov_saved_reader *ret)
{
	uint64_t start = 0;
	*ret = (struct iov_saved_reader){.ctx = ctx, .fd = -1, .path = strdup(path)};
	if (!ret->path)
		return iov_oom(ctx);
	int rc = open_file(ret);
	if (!rc)
		rc = check_digest(ret);
	if (!rc)
		rc = seek(ret, 0);
	if (!rc)
		rc = read_header(ret, &start);
	return rc ? rc : measure(ret, start);
}

/* As many whole entries as a chunk holds, at least one. */
static int fill_buffer(struct iov_saved_reader *reader)
{
	uint64_t count = CHUNK / reader->entry_size ? CHUNK / reader->entry_size : 1;
	if (count > reader->entries)
		count = reader->entries;
	size_t len = (size_t)count * reader->entry_size;
	if (len > reader->buffer.cap) {
		iov_buf_release(&reader->buffer);
		reader->buffer.data = malloc(len);
		if (!reader->buffer.data)
			return iov_oom(reader->ctx);
		reader->buffer.cap = len;
	}
	reader->buffer.len = len;
	reader->at = 0;
	return read_all(reader, reader->buffer.data, len);
}

int iov_saved_next(struct iov_saved_reader *reader, const unsigned char **ret)
{
	*ret = NULL;
	if (!reader->entries)
		return IOV_OK;
	int rc = reader->at < reader->buffer.len ? IOV_OK : fill_buffer(reader);
	if (rc)
		return rc;
	*ret = (const unsigned char *)reader->buffer.data + reader->at;
	reader->at += reader->entry_size;
	reader->entries--;
	return IOV_OK;
}

void iov_saved_reader_release(struct iov_saved_reader *reader)
{
	iov_close_fd(&reader->fd);
	iov_object_free(reader->object);
	iov_buf_release(&reader->buffer);
	free(reader->path);
}
