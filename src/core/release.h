/*
 * A release: one line of the index. The publisher signs the canonical JSON of "release"; the registry vouches for the
 * whole line through its head (registry/). docs/index-format.md has every member.
 *
 *   {"log":7,"published":"2026-11-23T10:00:00Z","release":{...},"signatures":["— name base64"],"yanked":null}
 *
 *   release: {"archive":{...},"manifest":{...},"object":{...},"schema":1}
 *   archive: {"files":[{"path","sha256","size"}],"sha256","size","unpacked"}
 */
#ifndef IOV_CORE_RELEASE_H
#define IOV_CORE_RELEASE_H

#include "core/manifest.h"
#include "core/object.h"

/* Limits on an archive, checked when it is packed, when its release is read, and while it is unpacked. */
#define IOV_ARCHIVE_MAX (32u << 20)	/* bytes packed; the largest public BPF object seen is 3 MB */
#define IOV_UNPACKED_MAX (128u << 20)	/* bytes unpacked */
#define IOV_FILES_MAX 4096		/* files */
#define IOV_PATH_MAX 240		/* bytes of a path inside */
#define IOV_RELEASE_FILE "release.json" /* the store keeps the index line under this name; no archive may hold it */
#define IOV_INDEX_LINE_MAX (1u << 20)	/* bytes of one index line */

struct iov_file {
	const char *path;
	const char *sha256;
	uint64_t size;
};

struct iov_release {
	unsigned references; /* owners; a release never changes, so generations share it */
	json_t *json;	     /* the whole index line; strings below are borrowed from it */
	struct iov_manifest *manifest;
	struct iov_object *object;
	const char *sha256;	/* of the archive */
	uint64_t size;		/* of the archive, bytes */
	uint64_t unpacked;	/* of all files together, bytes */
	struct iov_file *files; /* sorted by path */
	size_t n_files;
	const char *published;	/* RFC 3339, UTC */
	uint64_t log;		/* position in the log */
	const char *yanked;	/* the reason; NULL: not yanked (core/status.h) */
	const char *deprecated; /* the text; NULL: not deprecated */
	const char *successor;	/* the module to use instead; NULL: none was named */
	uint64_t yank_log,
		deprecate_log; /* the entries of the log that said so last, or that it is no longer; 0: none */
	char *registry; /* the name this host has for the registry it came from; owned; NULL before it is known */
};

/* One index line. Checks everything that can be checked without keys. Takes its own reference of `json`. */
int iov_release_from_json(struct iov_ctx *ctx, json_t *json, struct iov_release **ret);
int iov_release_parse(struct iov_ctx *ctx, const char *what, const char *line, size_t len, struct iov_release **ret);
/* One owner more; gives its argument. */
struct iov_release *iov_release_ref(struct iov_release *release);
/* One owner less; the last frees it. */
void iov_release_free(struct iov_release *release);
/* The bytes that the publisher signs: canonical JSON of "release" and a newline. Owned by the caller. */
char *iov_release_signed_text(const struct iov_release *release);
/* The path of the object for this machine inside the archive ("objects/x86_64/flow-top.bpf.o"), NULL when it has none;
 * borrowed. */
const char *iov_release_object_path(const struct iov_release *release);
/* The record of one file of the archive; NULL: none. */
const struct iov_file *iov_release_file(const struct iov_release *release, const char *path);
/* "objects/<machine>/<name>.bpf.o" for this machine; owned by the caller. */
char *iov_object_path_for(const char *name);
/* Relative, no empty, "." or ".." part, printable ASCII without backslash, within IOV_PATH_MAX. */
bool iov_is_archive_path(const char *path);

#endif
